// Sends a finished OpenPGP mail, and waits until the last node has handed it over.
//   node send.js client.toml letter.eml bob@example.org carol@example.org
import { readFileSync } from 'node:fs';
import { MixClient } from 'mixmailer';

const [config = '', letter = '', ...recipients] = process.argv.slice(2);

const client = await MixClient.open({ config });
client.on('status', ({ recipient, state }) => console.log(`${recipient}: ${state}`));

const messages = await client.submit({ raw: readFileSync(letter), recipients });
const settled = await Promise.all(messages.map(({ id }) => client.settled(id)));
await client.close();

process.exitCode = settled.every(({ state }) => state === 'delivered') ? 0 : 1;
