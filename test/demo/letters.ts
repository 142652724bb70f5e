import type { Letter, Person } from '../servers/pep-mail.js';

const words = ['Dinner on Friday?', 'The figures you asked for', 'Re: the figures', 'Train is late', 'Happy birthday!'];

/** Six letters, one of them with a photo of 540 kB: encryption and two layers of base64 make a mail of one megabyte. */
export const writeLetters = (alice: Person, bob: Person): readonly Letter[] => {
  const photo = Buffer.concat(Array.from({ length: 8 }, () => crypto.getRandomValues(new Uint8Array(65_536))));
  const now = Date.now();
  return [
    ...words.map((subject, i) => ({ subject, text: `this is letter ${i + 1}: ${subject}` })),
    {
      subject: 'The photo from the lake',
      text: 'here it is, in full size.',
      attachment: { name: 'lake.jpg', content: photo },
    },
  ].map((letter, i) => ({
    ...letter,
    from: alice,
    to: [bob],
    text: `Dear Bob,\r\n\r\n${letter.text}\r\n\r\nAlice`,
    // Their Message-IDs are made of it.
    date: new Date(now + i),
  }));
};

/** What Bob answers, by the subjects of the letters. */
export const answers: ReadonlyMap<string, string> = new Map([
  ['Dinner on Friday?', 'Dear Alice,\r\n\r\nwith pleasure! At eight, at yours?\r\n\r\nBob'],
  ['Train is late', 'Dear Alice,\r\n\r\nI wait at the platform.\r\n\r\nBob'],
  ['The photo from the lake', 'Dear Alice,\r\n\r\nwhat a day that was.\r\n\r\nBob'],
]);
