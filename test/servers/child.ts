import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port of loopback that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

export const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** Whether that program is in the PATH (or at that absolute path) and runs. */
export const runs = (program: string, ...argv: readonly string[]): boolean =>
  spawnSync(program, argv, { stdio: 'ignore', timeout: 20_000 }).status === 0;

/** Runs a program to its end. Its standard error is the text of the failure. */
export const run = (program: string, argv: readonly string[]): void => {
  const { status, stderr } = spawnSync(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000 });
  if (status !== 0) throw new Error(`${program}: ${stderr.toString()}`);
};

/** A folder with a short path: Dovecot's unix sockets don't fit into a long one. */
export const shortFolder = (): string => mkdtempSync('/tmp/mm-');

export const removeFolder = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
};

/** What a server has left behind: Postfix's processes outlive it, and go on listening at its ports beside those of the next one. */
const endGroup = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
};

/** A server that dies with this process, even if this process is killed. */
export interface Tied {
  readonly child: ChildProcess;
  readonly stop: (signal: NodeJS.Signals) => Promise<void>;
}

export const tied = (program: string, argv: readonly string[], privileges: readonly string[] = []): Tied => {
  // `detached`: a process group of its own, so that a Ctrl-C of ours doesn't reach it twice.
  const child = spawn('setpriv', [...privileges, '--pdeathsig=TERM', '--', program, ...argv], {
    stdio: 'ignore',
    detached: true,
  });
  const exited = once(child, 'exit');
  return {
    child,
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(hard);
      endGroup(child);
    },
  };
};

/**
 * The same for a server that changes its user while it starts, which makes the kernel forget the tie: a shell is tied
 * in its place, and hands the signal on.
 */
export const tiedByShell = (program: string, argv: readonly string[]): Tied =>
  tied('sh', [
    '-c',
    'set -m; trap "kill -TERM \\$pid" TERM; "$@" & pid=$!; wait $pid; wait $pid',
    'sh',
    program,
    ...argv,
  ]);

/** Resolves when the port answers; rejects with the end of the log file when the server ends first or takes too long. */
export const untilAnswers = async (server: Tied, port: number, logFile: string, withinMs = 30_000): Promise<void> => {
  const until = Date.now() + withinMs;
  while (!(await answers(port))) {
    await sleep(20);
    if (Date.now() < until && server.child.exitCode === null && server.child.signalCode === null) continue;
    let log = 'no log';
    try {
      log = readFileSync(logFile, 'utf8').slice(-4000);
    } catch {
      // It ended before it could write one.
    }
    throw new Error(`the server did not start: ${log}`);
  }
};

/**
 * A certificate authority for tests, and a certificate of it for localhost and 127.0.0.1, in `folder`:
 * ca.pem, cert.pem, key.pem.
 */
export const makeCertificates = (folder: string): void => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const at = (name: string): string => `${folder}/${name}`;
  // prettier-ignore
  run('openssl', ['req', '-x509', ...key, '-days', '30', '-subj', '/CN=test authority',
    '-keyout', at('ca.key'), '-out', at('ca.pem')]);
  // prettier-ignore
  run('openssl', ['req', '-x509', ...key, '-days', '30', '-subj', '/CN=localhost',
    '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', at('key.pem'), '-out', at('cert.pem')]);
};
