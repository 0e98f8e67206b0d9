export { createTestDatabase, type TestDatabase } from './database.js';
export { startTestPostgres, type TestPostgres } from './server.js';
export { runStatements } from './statements.js';
