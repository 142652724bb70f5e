import { inboxContract } from '../contracts/inbox.js';
import { inboxServer } from '../contracts/server-rigs.js';
import { startInProcess } from '../servers/in-process.js';

inboxContract('in-process', async () => inboxServer(await startInProcess()));
