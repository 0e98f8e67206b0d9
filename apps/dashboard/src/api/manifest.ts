import type { JsonObject } from './json';
import type { StoredManifest } from './types';

/** Without what the server adds. */
export const manifestOf = ({ apiVersion, kind, metadata, spec }: StoredManifest): JsonObject => {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return {
    ...{ apiVersion, kind },
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec,
  };
};
