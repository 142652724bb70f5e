import * as tools from 'vitest';
import { describe, it } from 'vitest';
import { outboxContract } from '../../src/testing/outbox.js';
import { outboxServer } from '../contracts/server-rigs.js';
import { findServers, missingLine } from '../servers/find-servers.js';

for (const kind of await findServers())
  if (kind.kind === 'available') outboxContract(tools, kind.name, async () => outboxServer(await kind.start()));
  else describe(`${kind.name}: outbox`, () => it.skip(missingLine(kind)));
