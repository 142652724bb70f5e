import { readFileSync } from 'node:fs';
import { refuseChangedByOthers } from './adapters/owner-only.js';
import { isLoopback } from './adapters/proxy.js';
import { isCredential, type SecretSource, type ServerSettings } from './adapters/secrets.js';
import { ConfigError } from './base/errors.js';
import type { Fail } from './config.js';
import type { FileServer } from './config-schema.js';

interface ServerContext {
  readonly at: (name: string) => string;
  readonly fail: Fail;
  readonly address: string;
  /** Where the secret comes from if this section doesn't say. */
  readonly like?: ServerSettings | undefined;
}

const secretKeys = ['password', 'passwordFile', 'passwordEnv', 'passwordCommand', 'tokenCommand'] as const;

/** A mail server, with standard port and the secrets of the other one where it names none. */
export const serverOf = (
  name: string,
  {
    host: read,
    standard,
  }: { readonly host: FileServer; readonly standard: Readonly<Record<ServerSettings['security'], number>> },
  { at, fail, address, like }: ServerContext,
): ServerSettings => {
  if (read.security === 'none' && !isLoopback(read.host))
    fail(`${name}.security`, '"tls" or "starttls" for a server that is not on this machine', '"none"');
  const given = secretKeys.filter((key) => read[key] !== undefined);
  const oneOfThem = `one of ${secretKeys.join(', ')}`;
  if (given.length > 1) fail(name, oneOfThem, given.join(' and '));
  if (given.length === 0 && like === undefined) fail(name, oneOfThem, 'none of them');
  return {
    host: read.host,
    port: read.port ?? standard[read.security],
    security: read.security,
    ca: read.ca === undefined ? like?.ca : certificateOf(`${name}.ca`, at(read.ca), fail),
    user: read.user ?? like?.user ?? address,
    secret: (given[0] === undefined ? like?.secret : secretOf(read, given[0], at)) ?? {
      kind: 'password',
      password: '',
    },
  };
};

/** Paths as always, apart from systemd's credentials, whose folder the service alone knows. */
export const secretAt =
  (at: (name: string) => string) =>
  (name: string): string =>
    isCredential(name) ? name : at(name);

const secretOf = (read: FileServer, kind: (typeof secretKeys)[number], at: (name: string) => string): SecretSource => {
  const value = read[kind] ?? '';
  switch (kind) {
    case 'password':
      return { kind, password: value };
    case 'passwordFile':
      return { kind, path: secretAt(at)(value) };
    case 'passwordEnv':
      return { kind, variable: value };
    case 'passwordCommand':
    case 'tokenCommand':
      return { kind, command: value };
  }
};

/** The PEM certificate in that file, which others than its owner can't change. @throws ConfigError */
export const readCertificate = (key: string, file: string): string => {
  const mistakes: string[] = [];
  const pem = certificateOf(
    key,
    file,
    (name, expected, got) => void mistakes.push(`${name}: expected ${expected}, got ${got}`),
  );
  if (pem === undefined) throw new ConfigError(mistakes.join('\n'));
  return pem;
};

const certificateOf = (key: string, file: string, fail: Fail): string | undefined => {
  try {
    // Who can write another one there can be the server.
    refuseChangedByOthers(file);
    const pem = readFileSync(file, 'utf8');
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
    fail(key, 'a file with a PEM certificate', file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    fail(key, 'a file that can be read', file);
  }
  return undefined;
};
