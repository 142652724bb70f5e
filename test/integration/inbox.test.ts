import * as tools from 'vitest';
import { describe, it } from 'vitest';
import { inboxContract } from '../../src/testing/inbox.js';
import { inboxServer } from '../contracts/server-rigs.js';
import { findServers, missingLine } from '../servers/find-servers.js';

for (const kind of await findServers())
  if (kind.kind === 'available') inboxContract(tools, kind.name, async () => inboxServer(await kind.start()));
  else describe(`${kind.name}: inbox`, () => it.skip(missingLine(kind)));
