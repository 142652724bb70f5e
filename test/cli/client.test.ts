import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { register } from '../../src/cli/client.js';
import { composeClient } from '../../src/compose.js';
import { loadConfig } from '../../src/config.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { plainMixKey, secretOf, signedNode } from '../route/nodes.js';
import { run, testFolder } from './run.js';

const folder = testFolder();

/** A client on that account, in a network of one node. @returns its configuration file */
const clientOf = (name: string, address: string, senders: readonly string[]): string => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const mixKeys = [{ publicKey: plainMixKey(), notBefore: now, notAfter: now + dayMs, expiresAt: now + 2 * dayMs }];
  const descriptors = [signedNode('one', { mixKeys, publishedAt: now, senders })];
  const draft = { validFrom: now - dayMs, validUntil: now + dayMs, parameters: defaultNetworkParameters, descriptors };
  writeFileSync(join(folder, `${name}.txt`), signNetwork(draft, secretOf('authority')));
  const config = join(folder, `${name}.toml`);
  writeFileSync(
    config,
    `data = "${name}-data"
[mail]
address = "${address}"
[mail.imap]
host = "imap.one.example"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.one.example"
[network]
list = "${name}.txt"
authorities = ["${publicKeyOf(secretOf('authority'))}"]
[client.submission]
port = 0
`,
  );
  return config;
};

it('a client refuses the mailbox of a node, whose packets it would take for its own', async () => {
  await expect(run(register, 'client', '--config', clientOf('own', 'Mix@one.example', []))).rejects.toThrow(
    'mail.address: expected an account of its own (client.receipts = false does without), got that of the node one',
  );
});

it('a client is not stopped by a node that says it sends from the client’s account, which nobody has to prove', async () => {
  const config = loadConfig(clientOf('claimed', 'alice@home.example', ['alice@home.example']));
  const { deps, close } = composeClient(config);
  expect(deps.directory.network(Date.now()).nodes[0]?.senders).toEqual(['alice@home.example']);
  await close();
});
