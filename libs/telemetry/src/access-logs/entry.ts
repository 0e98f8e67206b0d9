import { Reader } from '#libs/envoy-api';
import { readCommon } from './entry-common.js';
import { readRequest, readResponse } from './entry-http.js';
import { emptyEntry, type LogEntry } from './log-entry.js';

/** envoy.service.accesslog.v3.StreamAccessLogsMessage, and within it HTTPAccessLogEntries. */
const HTTP_LOGS = 2;
const LOG_ENTRY = 1;
/** envoy.data.accesslog.v3.HTTPAccessLogEntry. */
const ENTRY = { common: 1, request: 3, response: 4 };

/** Reads the entries of one message; its identifier was read before. @throws MalformedMessage */
export function decodeEntries(bytes: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === HTTP_LOGS) readEntries(reader.message(), entries);
    else reader.skip();
  }
  return entries;
}

function readEntries(reader: Reader, entries: LogEntry[]): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === LOG_ENTRY) entries.push(readEntry(reader.message()));
    else reader.skip();
  }
}

function readEntry(reader: Reader): LogEntry {
  const entry = emptyEntry();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === ENTRY.common) readCommon(reader.message(), entry);
    else if (field === ENTRY.request) readRequest(reader.message(), entry);
    else if (field === ENTRY.response) readResponse(reader.message(), entry);
    else reader.skip();
  }
  return entry;
}
