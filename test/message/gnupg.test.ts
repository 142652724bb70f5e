import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { fromLatin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { checkDeliverable, composeDelivery } from '../../src/message/delivery.js';
import { sealable } from '../../src/message/hygiene.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
import { mailOf, pgpMimeParts } from './pep-mail.js';

const found = (command: string): boolean => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

// The other OpenPGP program of the world, with a key ring for each end. Runs where GnuPG is installed.
describe.skipIf(!found('gpg'))('a mail encrypted by GnuPG', () => {
  const homes: string[] = [];

  /** One person's GnuPG: a function that runs it with a key ring of its own. */
  const personWith = (address: string, primary: string, subkey: string) => {
    const home = mkdtempSync(join(tmpdir(), 'gpg-'));
    homes.push(home);
    const run = (args: readonly string[], input: string | Uint8Array = ''): string => {
      const options = ['--homedir', home, '--batch', '--quiet', '--trust-model', 'always', '--status-fd', '2'];
      const { status, stdout, stderr } = spawnSync('gpg', [...options, ...args], { input, encoding: 'latin1' });
      // GnuPG 2.2 ends with 2 when it tried a key that doesn't fit a hidden recipient before the one that does,
      // also for what it encrypted itself (-R). Programs go by its status lines, and so does this.
      if (status !== 0 && !stderr.includes('[GNUPG:] DECRYPTION_OKAY')) return expect.fail(stderr);
      return stdout;
    };
    run(['--passphrase', '', '--quick-generate-key', address, primary, 'cert', 'never']);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(run(['--with-colons', '--list-keys']))?.[1] ?? '';
    run(['--passphrase', '', '--quick-add-key', fingerprint, subkey, 'encr', 'never']);
    return run;
  };

  let alice: ReturnType<typeof personWith>;
  let bob: ReturnType<typeof personWith>;
  let carol: ReturnType<typeof personWith>;

  beforeAll(() => {
    alice = personWith('alice@a.example', 'ed25519', 'cv25519');
    bob = personWith('bob@b.example', 'ed25519', 'rsa2048');
    carol = personWith('carol@c.example', 'ed25519', 'cv25519');
    for (const friend of [bob, carol]) alice(['--import'], friend(['--armor', '--export']));
  });

  afterAll(() => {
    for (const home of homes) {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
      rmSync(home, { recursive: true, force: true });
    }
  });

  test('names no key when delivered, and each receiver opens it, with RSA and with Curve25519', async () => {
    const words = 'Meet me at the lake. '.repeat(2000);
    const armored = alice(
      ['--armor', '--encrypt', '-r', 'alice@a.example', '-r', 'bob@b.example', '-r', 'carol@c.example'],
      words,
    );
    expect(alice(['--list-packets', '--list-only'], armored)).toMatch(/keyid (?!0{16})[0-9A-F]{16}/);
    const mail = mailOf(`Content-Type: multipart/encrypted; boundary=b\n\n${pgpMimeParts(armored, 'b')}--b--\n`);
    const { form, openpgp, autoConsume } = sealable(await parseMail(mail), 'hide', pureBase64);
    const message = checkDeliverable({ recipient: 'bob@b.example', form, openpgp, autoConsume });
    const messageId = messageIdOf(new Uint8Array(16));
    const delivered = composeDelivery({ from: 'exit@x.example', message, messageId, now: 0 }, pureBase64);
    const received = (await parseMail(delivered)).parts[1]?.content ?? expect.fail('no second part');

    const packets = bob(['--list-packets', '--list-only'], received);
    expect(packets.match(/keyid 0{16}/g)).toHaveLength(3);
    expect(packets).not.toMatch(/keyid (?!0{16})/);
    expect(bob(['--decrypt'], received)).toBe(words);
    expect(carol(['--decrypt'], received)).toBe(words);
  });

  test('has no session key for its sender any more who has named their own keys', async () => {
    const exported = [alice(['--export', 'alice@a.example']), alice(['--armor', '--export', 'alice@a.example'])];
    const own = exported.map((keys) => readOwnKeys(fromLatin1(keys), pureBase64));
    expect(own[0]).toEqual(own[1]);
    const names = own[0]?.kind === 'keys' ? own[0].names : expect.fail('no keys');
    const armored = alice(['--armor', '--encrypt', '-r', 'alice@a.example', '-r', 'bob@b.example'], 'words');
    const mail = mailOf(`Content-Type: multipart/encrypted; boundary=b\n\n${pgpMimeParts(armored, 'b')}--b--\n`);
    const { openpgp } = sealable(await parseMail(mail), 'keep', pureBase64, names);
    const packets = bob(['--list-packets', '--list-only'], openpgp);
    const [subkey] =
      bob(['--with-colons', '--list-secret-keys']).match(/(?<=^ssb:[^:]*:[^:]*:[^:]*:)[0-9A-F]{16}/m) ?? [];
    expect(packets.match(/(?<=keyid )[0-9A-F]{16}/g)).toEqual([subkey]);
    expect(bob(['--decrypt'], openpgp)).toBe('words');
  });
});
