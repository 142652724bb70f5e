import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { register } from '../../src/cli/client.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { plainMixKey, secretOf, signedNode } from '../route/nodes.js';
import { run, testFolder } from './run.js';

const folder = testFolder();

it('a client refuses the mailbox of a node, whose packets it would take for its own', async () => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const mixKeys = [{ publicKey: plainMixKey(), notBefore: now, notAfter: now + dayMs, expiresAt: now + 2 * dayMs }];
  const descriptors = [signedNode('one', { mixKeys, publishedAt: now })];
  const draft = { validFrom: now - dayMs, validUntil: now + dayMs, parameters: defaultNetworkParameters, descriptors };
  writeFileSync(join(folder, 'network.txt'), signNetwork(draft, secretOf('authority')));
  const config = join(folder, 'client.toml');
  writeFileSync(
    config,
    `data = "data"
[mail]
address = "Mix@one.example"
[mail.imap]
host = "imap.one.example"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.one.example"
[network]
list = "network.txt"
authorities = ["${publicKeyOf(secretOf('authority'))}"]
[client.submission]
port = 0
`,
  );
  await expect(run(register, 'client', '--config', config)).rejects.toThrow(
    'mail.address: expected an account of its own (client.receipts = false does without), got that of the node one',
  );
});
