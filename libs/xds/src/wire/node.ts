import { Reader } from '#libs/envoy-api';
import type { NodeInfo } from '../types.js';

/** Fields of envoy.config.core.v3.Node that may be used; all others are skipped unread (SEC-1). */
const NODE = { id: 1, cluster: 2, userAgentName: 6, userAgentVersion: 7, userAgentBuildVersion: 8, clientFeatures: 10 };

/** Characters kept of each text of a node, and features kept: the stream holds them as long as it lives (SEC-9). */
const KEPT = { chars: 512, features: 64 };

/** Reads the node of a stream's first message. Its id is kept whole: it is compared. @throws MalformedMessage */
export function decodeNode(bytes: Buffer): NodeInfo {
  const node = { id: '', cluster: '', userAgentName: '', userAgentVersion: '', clientFeatures: [] as string[] };
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === NODE.id) node.id = reader.string();
    else if (field === NODE.cluster) node.cluster = cut(reader.string());
    else if (field === NODE.userAgentName) node.userAgentName = cut(reader.string());
    else if (field === NODE.userAgentVersion) node.userAgentVersion = cut(reader.string());
    else if (field === NODE.userAgentBuildVersion) node.userAgentVersion = buildVersion(reader.bytes());
    else if (field === NODE.clientFeatures) addFeature(node.clientFeatures, reader.string());
    else reader.skip();
  }
  return node;
}

const cut = (text: string): string => text.slice(0, KEPT.chars);

function addFeature(features: string[], name: string): void {
  if (features.length < KEPT.features) features.push(cut(name));
}

/** Reads `node.id` alone: some Envoys send 49 KB of node with every request (ENV-3). @throws MalformedMessage */
export function decodeNodeId(bytes: Buffer): string {
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === NODE.id) return reader.string();
    reader.skip();
  }
  return '';
}

/** BuildVersion{SemanticVersion version = 1} as `major.minor.patch`. */
function buildVersion(bytes: Buffer): string {
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) return semanticVersion(reader.bytes());
    reader.skip();
  }
  return '';
}

function semanticVersion(bytes: Buffer): string {
  const parts = [0, 0, 0];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field <= 3) parts[field - 1] = reader.integer();
    else reader.skip();
  }
  return parts.join('.');
}
