import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dayMs, secondMs } from '../../src/base/units.js';
import type { ClientSettings } from '../../src/mix-client.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { plainMixKey, secretOf, signedNode } from '../route/nodes.js';

/** A new folder with a network list that is valid now, and settings for a client in it whose servers answer nothing. */
export const clientFolder = (): { readonly folder: string; readonly settings: ClientSettings } => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-library-'));
  const now = Math.floor(Date.now() / secondMs) * secondMs;
  const times = { notBefore: now - dayMs, notAfter: now + 6 * dayMs, expiresAt: now + 13 * dayMs };
  const mixKeys = [{ publicKey: plainMixKey(), ...times }];
  const descriptors = ['one', 'two', 'three', 'four', 'five'].map((name) =>
    signedNode(name, { mixKeys, publishedAt: now - dayMs }),
  );
  const list = { validFrom: now - dayMs, validUntil: now + dayMs, parameters: defaultNetworkParameters, descriptors };
  writeFileSync(path.join(folder, 'network.txt'), signNetwork(list, secretOf('authority')));
  // Nothing listens at the port of "discard".
  const server = { host: '127.0.0.1', port: 9, security: 'none', password: 'secret' } as const;
  const settings: ClientSettings = {
    data: 'data',
    mail: { address: 'alice@home.test', imap: server, smtp: server },
    network: { list: 'network.txt', authorities: [publicKeyOf(secretOf('authority'))] },
    // Nobody says what the network's mails hide among, so nothing is sent.
    client: { floorBits: 8 },
  };
  return { folder, settings };
};
