import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { freePort, removeFolder, runs, shortFolder, tied, untilAnswers } from './child.js';
import { dockerSocket, engineSays } from './engine.js';
import type { Account, MailWorld, ServerKind } from './mail-world.js';

export const greenmailVersion = '2.1.13';
/** Made by .ci/greenmail-image, where no image registry can be reached. */
export const localImage = `mixmailer/greenmail:${greenmailVersion}`;
const publicImage = `greenmail/standalone:${greenmailVersion}`;

const name = 'greenmail';
const inImage = { smtp: 3025, imap: 3143, api: 8080 } as const;

interface Ports {
  readonly smtp: number;
  readonly imap: number;
  readonly api: number;
}

const worldOn = (ports: Ports, stop: () => Promise<void>): MailWorld => {
  const domain = 'mix.test';
  return {
    name,
    domain,
    refusesUnknownRecipients: false,
    plusAddresses: false,
    bouncing: undefined,
    secured: () => undefined,
    stop,
    async addAccount(user, at = domain): Promise<Account> {
      const address = `${user}@${at}`.toLowerCase();
      const password = `pw-${user}`;
      const made = await fetch(`http://127.0.0.1:${ports.api}/api/user`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: address, login: address, password }),
      });
      if (!made.ok) throw new Error(`GreenMail made no user: ${made.status}`);
      const common = {
        host: '127.0.0.1',
        security: 'none',
        user: address,
        credential: () => Promise.resolve({ password }),
      } as const;
      return {
        address,
        user: address,
        password,
        imap: { ...common, port: ports.imap },
        smtp: { ...common, port: ports.smtp },
        ca: undefined,
      };
    },
  };
};

const cacheFolder = `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/mixmailer`;
const jarFile = `${cacheFolder}/greenmail-standalone-${greenmailVersion}.jar`;

/** The jar, from the user's cache or with Maven from its repository; undefined if neither works. */
const haveJar = (): string | undefined => {
  if (existsSync(jarFile)) return jarFile;
  mkdirSync(cacheFolder, { recursive: true });
  const artifact = `com.icegreen:greenmail-standalone:${greenmailVersion}`;
  const argv = ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${cacheFolder}`];
  const { status } = spawnSync('mvn', argv, { cwd: cacheFolder, stdio: 'ignore', timeout: 180_000 });
  return status === 0 && existsSync(jarFile) ? jarFile : undefined;
};

const startJar = async (jar: string): Promise<MailWorld> => {
  const ports: Ports = { smtp: await freePort(), imap: await freePort(), api: await freePort() };
  const folder = shortFolder();
  const logFile = `${folder}/greenmail.log`;
  const set = (service: string, port: number): readonly string[] => [
    `-Dgreenmail.${service}.hostname=127.0.0.1`,
    `-Dgreenmail.${service}.port=${port}`,
  ];
  const settings = [...set('smtp', ports.smtp), ...set('imap', ports.imap), ...set('api', ports.api)];
  // One compiler tier: it starts in half the time and never runs long.
  const java = ['-XX:TieredStopAtLevel=1', '-Xmx256m', `-XX:ErrorFile=${folder}/crash.log`, ...settings, '-jar', jar];
  const server = tied('java', java);
  const stop = async (): Promise<void> => {
    await server.stop('SIGTERM');
    removeFolder(folder);
  };
  try {
    // The web service comes last.
    for (const port of [ports.smtp, ports.imap, ports.api]) await untilAnswers(server, port, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return worldOn(ports, stop);
};

// Ends the container when its standard input closes, that is when this process is gone, however it went.
const undertaker = `
process.stdin.resume().on('end', () => {
  const [socketPath, id] = process.argv.slice(1);
  require('node:http').request({ socketPath, method: 'DELETE', path: '/containers/' + id + '?force=1' }).end();
});`;

const startContainer = async (image: string): Promise<MailWorld> => {
  // Its own undertaker is an image too, which isn't there without a registry.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= '127.0.0.1';
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(image)
    .withExposedPorts(inImage.smtp, inImage.imap, inImage.api)
    // The public image takes its settings from here; our own has the same built in.
    .withEnvironment({
      GREENMAIL_OPTS:
        '-Dgreenmail.setup.test.smtp -Dgreenmail.setup.test.imap -Dgreenmail.hostname=0.0.0.0 -Dgreenmail.api.hostname=0.0.0.0',
    })
    // The default looks at the ports with a shell inside, which our image doesn't have.
    .withWaitStrategy(Wait.forHttp('/api/service/readiness', inImage.api))
    .start();
  const watch = spawn(process.execPath, ['-e', undertaker, dockerSocket, container.getId()], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.unref();
  const ports: Ports = {
    smtp: container.getMappedPort(inImage.smtp),
    imap: container.getMappedPort(inImage.imap),
    api: container.getMappedPort(inImage.api),
  };
  return worldOn(ports, async () => {
    await container.stop({ timeout: 1000 });
    watch.kill();
  });
};

/**
 * GreenMail: in a container by testcontainers where a Docker engine has its image, else the same version as a jar,
 * else (with an engine) the public image.
 */
export const greenmail = async (): Promise<ServerKind> => {
  const hasEngine = await engineSays('/_ping');
  const container = (image: string): ServerKind => ({
    name,
    kind: 'available',
    how: `testcontainers, image ${image}`,
    start: () => startContainer(image),
  });
  if (hasEngine)
    for (const image of [localImage, publicImage])
      if (await engineSays(`/images/${image}/json`)) return container(image);
  if (runs('java', '-version') && runs('setpriv', '--version')) {
    const jar = haveJar();
    if (jar !== undefined) return { name, kind: 'available', how: 'jar with java', start: () => startJar(jar) };
  }
  if (hasEngine) return container(publicImage);
  return {
    name,
    kind: 'unavailable',
    reason: 'no Docker engine answers, and there is no Java with Maven to run its jar',
    remedy: 'start a Docker engine, or: apt-get install default-jre-headless maven',
  };
};
