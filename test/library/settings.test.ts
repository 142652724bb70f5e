import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { MixClient, type OpenOptions } from '../../src/mix-client.js';

const folder = mkdtempSync(path.join(tmpdir(), 'mm-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the settings that docs/library.md shows open a client', async () => {
  const [, , shown = ''] = readFileSync('docs/library.md', 'utf8').split('```ts\nconst client = await MixClient.open(');
  // In the place of servers of nobody the port of "discard", where nothing listens.
  const options = (shown.split(');\n```')[0] ?? '')
    .replaceAll(/host: '[a-z]+\.example\.org'/g, "host: '127.0.0.1', port: 9, security: 'none'")
    .replace('/home/me/mixmailer', folder);
  const file = path.join(folder, 'settings.mjs');
  writeFileSync(file, `export const options = ${options};\n`);
  const { options: read } = (await import(file)) as { readonly options: OpenOptions };
  expect(Object.keys(read)).toEqual(['settings', 'folder']);
  process.env['MAIL_PASSWORD'] = 'secret';
  const client = await MixClient.open(read);
  expect(client.messages()).toEqual([]);
  await client.close();
});
