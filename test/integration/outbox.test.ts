import { outboxContract } from '../contracts/outbox.js';
import { outboxServer } from '../contracts/server-rigs.js';
import { startInProcess } from '../servers/in-process.js';
import { dovecotPostfix } from '../servers/dovecot-postfix.js';
const d = dovecotPostfix();
if (d.kind === 'available') outboxContract('dov', async () => outboxServer(await d.start()));

outboxContract('in-process', async () => outboxServer(await startInProcess()));
