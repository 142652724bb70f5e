import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submissionServer, type Submitted, type SubmissionServer } from '../../src/adapters/submission.js';
import { secondMs } from '../../src/base/units.js';
import { dialSmtp, openLine, type SmtpLine } from '../servers/smtp-line.js';

// A web page that the user has open, or a program of another user, reaches the submission port of the client: browsers
// connect to loopback and send what a page likes, behind a few lines of HTTP. It may have guessed the token, even.

const [user, token] = ['mixmailer', 'f00dfeed'.repeat(4)];
let server: SubmissionServer;
let taken: Submitted[];
let pauses: number[];
let logged: string[];
const lines: SmtpLine[] = [];

beforeEach(async () => {
  [taken, pauses, logged] = [[], [], []];
  const note = (event: string): void => void logged.push(event);
  server = await submissionServer({
    ...{ host: '127.0.0.1', port: 0, user, token, maxMailBytes: 100_000, log: { info: note, warn: note } },
    accept: (mail) => Promise.resolve(taken.push(mail)),
    pause: (ms) => Promise.resolve(pauses.push(ms)),
  });
});
afterEach(async () => {
  for (const { socket } of lines.splice(0)) socket.destroy();
  await server.close();
});

const dial = async (): Promise<SmtpLine> => {
  const line = await dialSmtp(server.port);
  lines.push(line);
  return line;
};

const login = (password: string): string =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}\r\n`;
const mail = 'MAIL FROM:<a@home.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\nA: b\r\n\r\nc\r\n.\r\nQUIT\r\n';
const commands = `EHLO x\r\n${login(token)}${mail}`;

/** What a browser sends in front of it: the shortest head that there is, and a usual one. */
const heads = [
  'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:2525\r\nContent-Type: text/plain\r\nContent-Length: 300\r\nOrigin: https://evil.test\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n',
  'OPTIONS / HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: PATCH\r\n\r\n',
  'PUT / HTTP/1.0\n\n',
];

describe('a request of a browser', () => {
  it.each(heads)('ends at its first line, whatever is behind it: %j', async (head) => {
    const line = await dial();
    line.socket.write(head + commands);
    const said = await line.closed();
    expect(said.split('\r\n').filter((one) => one !== '')).toEqual([
      expect.stringMatching(/^220 /),
      expect.stringMatching(/^421 .*HTTP/),
    ]);
    expect(taken).toEqual([]);
  });

  it('is not heard at all when it does not wait for the greeting, as browsers don’t; nor is a TLS hello', async () => {
    const hello = Buffer.from(`16030100ff010000fb0303${'00'.repeat(40)}`, 'hex').toString('latin1');
    for (const first of [...heads, `${hello}\r\n`]) {
      const line = openLine(server.port);
      lines.push(line);
      line.socket.write(first + commands, 'latin1');
      expect(await line.closed()).toMatch(/^421 /);
    }
    expect(taken).toEqual([]);
  });

  it('by the browser’s own fetch brings nothing in', async () => {
    const url = `http://127.0.0.1:${server.port}/`;
    await expect(fetch(url, { method: 'POST', body: commands })).rejects.toThrow();
    const form = new FormData();
    form.set('a', `\r\n${commands}`);
    await expect(fetch(url, { method: 'POST', body: form })).rejects.toThrow();
    expect(taken).toEqual([]);
  });

  it('of another protocol ends after ten lines that are no commands', async () => {
    const line = await dial();
    line.socket.write(`${'X-Header: y\r\n'.repeat(12)}${commands}`);
    expect((await line.closed()).match(/^500 /gm)).toHaveLength(9);
    expect(taken).toEqual([]);
  });

  it('that is SMTP from its first byte needs the token, and does not come far without', async () => {
    const line = await dial();
    line.socket.write(`EHLO x\r\n${mail.replace('QUIT\r\n', '')}${'NOOP\r\n'.repeat(9)}${commands}`);
    expect(await line.closed()).toMatch(/^530 .*^421 /ms);
    expect(taken).toEqual([]);
  });
});

describe('who guesses the token', () => {
  it('is answered late, and not more than three times on one line', async () => {
    const line = await dial();
    line.socket.write(`EHLO x\r\n${login('a')}${login('b')}${login('c')}${login('d')}${login(token)}${mail}`);
    const said = await line.closed();
    expect(said.match(/^535 /gm)).toHaveLength(2);
    expect(said).toMatch(/^421 .*wrong log-ins\r\n$/m);
    expect(pauses).toEqual([secondMs, secondMs, secondMs]);
    expect(logged).toEqual(Array.from({ length: 3 }, () => 'submission/wrong-login'));
    expect(taken).toEqual([]);
  });

  it('does not come farther by starting over on the line, or by the other way to log in', async () => {
    const line = await dial();
    const other = `AUTH LOGIN ${Buffer.from(user).toString('base64')}\r\n${Buffer.from('x').toString('base64')}\r\n`;
    line.socket.write(`EHLO x\r\n${login('a')}EHLO x\r\n${other}RSET\r\n${other}${login(token)}${mail}`);
    expect(await line.closed()).toMatch(/^421 .*wrong log-ins/m);
    expect(pauses).toHaveLength(3);
    expect(taken).toEqual([]);
  });

  it('who knows it is let in at once, after a typing error too', async () => {
    const line = await dial();
    line.socket.write(`EHLO x\r\n${login('a')}${commands}`);
    expect(await line.closed()).toMatch(/^235 .*^250 .*Queued/ms);
    expect(pauses).toHaveLength(1);
    expect(taken).toHaveLength(1);
  });
});
