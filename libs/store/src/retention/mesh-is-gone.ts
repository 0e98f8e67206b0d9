/** SQL condition: the mesh of a row of this table does not exist (any more). The table has a column `mesh`. */
export const meshIsGone = (table: string): string =>
  `NOT EXISTS (SELECT 1 FROM resource r WHERE r.kind = 'Mesh' AND r.mesh = ${table}.mesh AND r.name = r.mesh)`;
