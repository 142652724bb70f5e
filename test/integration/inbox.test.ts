import { inboxContract } from '../contracts/inbox.js';
import { inboxServer } from '../contracts/server-rigs.js';
import { startInProcess } from '../servers/in-process.js';
import { dovecotPostfix } from '../servers/dovecot-postfix.js';

inboxContract('in-process', async () => inboxServer(await startInProcess()));
const d = dovecotPostfix();
if (d.kind === 'available') inboxContract('dov', async () => inboxServer(await d.start()));
