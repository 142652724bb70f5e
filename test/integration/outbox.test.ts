import { outboxContract } from '../contracts/outbox.js';
import { outboxServer } from '../contracts/server-rigs.js';
import { startInProcess } from '../servers/in-process.js';

outboxContract('in-process', async () => outboxServer(await startInProcess()));
