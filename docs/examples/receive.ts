// Takes replies out of the network until it is stopped with Ctrl-C.
//   node receive.js client.toml folder
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MixClient } from 'mixmailer';

const [config = '', folder = ''] = process.argv.slice(2);

const client = await MixClient.open({
  config,
  // Once this resolves the reply is forgotten. If it rejects, the reply comes again.
  onReply: async ({ raw, inReplyTo, from }) => {
    const name = path.join(folder, randomUUID());
    await writeFile(name, raw, { flush: true });
    await rename(name, `${name}.eml`);
    console.log(`${from ?? 'somebody'} answers message ${inReplyTo}: ${name}.eml`);
  },
});
process.once('SIGINT', () => void client.close());
