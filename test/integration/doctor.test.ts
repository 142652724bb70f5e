import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { ascii } from '../../src/base/bytes.js';
import { carrierSubject } from '../../src/carrier/carrier.js';
import { silentLog } from '../contracts/server-rigs.js';
import { readMailbox } from '../demo/mailbox.js';
import { findServers, missingLine } from '../servers/find-servers.js';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'mm-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const never = new AbortController().signal;

interface Told {
  readonly well: boolean;
  readonly findings: readonly { readonly kind: string; readonly text: string; readonly more: readonly string[] }[];
}

for (const kind of await findServers())
  describe(`mixmailer doctor, on ${kind.name}`, () => {
    if (kind.kind === 'unavailable') {
      it.skip(missingLine(kind));
      return;
    }
    it('looks through a real mailbox, sends one mail through it, and leaves it as it was', async () => {
      const world = await kind.start();
      const { address, user, password, imap, smtp } = await world.addAccount('ill', 'home.test');
      const file = path.join(folder, `${kind.name}.toml`);
      const server = (port: number): string =>
        `host = "127.0.0.1"\nport = ${port}\nsecurity = "none"\nuser = "${user}"\n`;
      writeFileSync(
        file,
        `data = "data-${kind.name}"\n[mail]\naddress = "${address}"\n[mail.imap]\n${server(imap.port)}password = "${password}"
[mail.smtp]\n${server(smtp.port)}[client]\n`,
        { mode: 0o600 },
      );
      const inbox = imapInbox(imap, silentLog);
      const folders = await inbox.folders(never);
      const raw = ascii(`From: <a@one.test>\r\nTo: <${address}>\r\nSubject: ${carrierSubject}\r\n\r\nx\r\n`);
      for (const name of folders) await inbox.append(name, raw, never);
      await inbox.close();

      const child = spawn(process.execPath, [main, 'doctor', '--config', file, '--json']);
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      const [code] = (await once(child, 'close')) as [number | null];
      const { well, findings } = JSON.parse(out) as Told;
      expect([code, well]).toEqual([1, false]);
      const texts = findings.map(({ text }) => text);
      expect(findings.filter(({ kind: found }) => found === 'wrong').map(({ text }) => text)).toEqual([
        'no process runs on the data folder',
      ]);
      expect(texts).toContainEqual(expect.stringMatching(/^a mail to itself came into INBOX after \d+\.\d s$/));
      const [, junk] = folders;
      const taken = expect.stringMatching(
        `^1 mail with packets in ${junk ?? ''}: the provider takes them for spam`,
      ) as unknown;
      expect(texts.filter((text) => text.includes('with packets'))).toEqual(junk === undefined ? [] : [taken]);
      // Dovecot and Postfix say when they had the mail; not all do.
      if (kind.name === 'dovecot-postfix') expect(texts).toContain('the clock goes with that of the mail server');
      expect((await readMailbox({ address, user, password, imap, smtp, ca: undefined })).length).toBe(1);
      await world.stop();
    });
  });
