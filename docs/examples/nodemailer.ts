// Writes a mail, encrypts it, and sends it with nodemailer through the network.
//   node nodemailer.js client.toml bob@example.org bob.asc
import { readFileSync } from 'node:fs';
import { MixClient, mixTransport } from 'mixmailer';
import { createTransport } from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';
import { createMessage, encrypt, readKey } from 'openpgp';

const [config = '', to = '', keyFile = ''] = process.argv.slice(2);

// What only the reader sees, the true subject too.
const inside = new MailComposer({ to, subject: 'Dinner on Friday?', text: 'At eight, at the lake.' });
const reader = await readKey({ armoredKey: readFileSync(keyFile, 'utf8') });
const armored = (await encrypt({
  message: await createMessage({ binary: await inside.compile().build() }),
  encryptionKeys: reader.toPublic(),
})) as string;

const client = await MixClient.open({ config });
const transporter = createTransport(mixTransport(client));
// The two parts of PGP/MIME; nothing else of this mail leaves the machine.
const { ids } = await transporter.sendMail({
  to,
  attachments: [
    { contentType: 'application/pgp-encrypted', content: 'Version: 1' },
    { contentType: 'application/octet-stream', content: armored },
  ],
});
for (const { id, recipient } of ids) console.log(recipient, (await client.settled(id)).state);
await client.close();
