import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { readSecretKey } from '../adapters/file-keys.js';
import { fromHex } from '../base/bytes.js';
import { ConfigError, RouteError } from '../base/errors.js';
import { dayMs, secondMs } from '../base/units.js';
import { loadConfig, networkConfig, trustOf as trustIn } from '../config.js';
import type { Reserve } from '../mix/strategy.js';
import { type Descriptor, readDescriptor } from '../route/descriptor.js';
import { publicKeyOf } from '../route/document.js';
import {
  addSignature,
  defaultNetworkParameters,
  inspectNetwork,
  type Network,
  type NetworkDraft,
  objectionTo,
  signNetwork,
  type Support,
  type Trust,
} from '../route/network.js';
import { mostHops } from '../route/consensus.js';
import type { Strategy } from '../route/strategy.js';
import { registerNew } from './network-new.js';
import { registerShow, strategyText } from './network-show.js';
import { printer, readText, shortTime, table } from './print.js';

/** `mixmailer network ...`: the list of all nodes, and the beginning of a network. */
export const register = (program: Command): void => {
  const network = program
    .command('network')
    .description('show the network; begin one; make, sign and verify a list by hand');
  registerShow(network);
  registerNew(network);
  registerSign(network);
  registerVerify(network);
};

interface SignOptions {
  readonly authority: string;
  readonly out: string;
  readonly list?: string;
  readonly days: number;
  readonly previous?: string;
  readonly pathLength: number;
  readonly mixSchedule: string;
  readonly poolMinimum: number;
  readonly poolRate: number;
}

const registerSign = (network: Command): void => {
  const usual = defaultNetworkParameters;
  const usualPool = poolIn(usual.strategy);
  network
    .command('sign')
    .description('sign a new list of these descriptors, or cosign a list as it is')
    .argument('[descriptor...]', 'files with the descriptors of all nodes')
    .requiredOption('--authority <file>', 'secret key of the authority')
    .requiredOption('--out <file>', 'where the signed list goes')
    .option('--list <file>', 'cosign this list instead of making a new one')
    .option('--days <number>', 'how long a new list is valid, from now on', numberFrom(0.01, 366), 7)
    .option('--previous <file>', 'the list that a new one follows')
    .option('--path-length <hops>', 'hops of a packet', integerFrom(1, mostHops), usual.pathLength)
    .option('--mix-schedule <cron>', 'when nodes flush their pools', usual.mixSchedule)
    .option('--pool-minimum <packets>', 'packets that stay in a pool', integerFrom(1, 1_000_000), usualPool.minimum)
    .option('--pool-rate <part>', 'highest part of a pool that leaves at once', numberFrom(0.01, 1), usualPool.rate)
    .action((files: string[], options: SignOptions, command: Command) => {
      if ((options.list === undefined) === (files.length === 0))
        throw new ConfigError('network sign: expected either descriptors for a new list or --list to cosign one');
      const secretKey = readSecretKey(options.authority);
      const text = options.list === undefined ? newList(files, options, secretKey) : cosigned(options.list, secretKey);
      writeFileSync(options.out, text, { mode: 0o644 });
      const { network: signed, support } = inspectNetwork(text, [publicKeyOf(secretKey)]);
      printer(command)(...describeNetwork(signed), ...describeSignatures(support), ...warnings(signed));
    });
};

/** The numbers of a pool; of other strategies those of one that keeps nothing back. */
const poolIn = (strategy: Strategy): Reserve => (strategy.kind === 'pool' ? strategy : { minimum: 0, rate: 1 });

const newList = (files: readonly string[], options: SignOptions, secretKey: Uint8Array): string => {
  const validFrom = Math.floor(Date.now() / secondMs) * secondMs;
  const draft: NetworkDraft = {
    validFrom,
    validUntil: validFrom + Math.round((options.days * dayMs) / secondMs) * secondMs,
    parameters: {
      pathLength: options.pathLength,
      mixSchedule: options.mixSchedule,
      strategy: { kind: 'pool', minimum: options.poolMinimum, rate: options.poolRate },
      topology: defaultNetworkParameters.topology,
      mostPerOperator: defaultNetworkParameters.mostPerOperator,
    },
    descriptors: files.map((file) => named(file, () => readDescriptor(readText(file)).text)),
  };
  const previous = options.previous;
  if (previous === undefined) return signNetwork(draft, secretKey);
  const { digest } = named(previous, () => inspectNetwork(readText(previous), []).network);
  return signNetwork({ ...draft, previous: digest }, secretKey);
};

const cosigned = (file: string, secretKey: Uint8Array): string => {
  const text = readText(file);
  const { network, support } = named(file, () => inspectNetwork(text, []));
  // Who signs says that the list is good now: not for one that is over. Signatures don't count here, no authority is known.
  const objection = objectionTo(network, support, { authorities: [], threshold: 0 }, Date.now());
  if (objection?.code === 'route/expired') throw objection;
  return named(file, () => addSignature(text, secretKey));
};

/** Puts the file's name before what is wrong in it. */
const named = <T>(file: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    throw new ConfigError(`${file}: ${error.message}`, { cause: error });
  }
};

interface VerifyOptions {
  readonly list?: string;
  readonly config?: string;
  readonly authorityKey?: readonly string[];
  readonly threshold?: number;
}

const registerVerify = (network: Command): void => {
  network
    .command('verify')
    .description('show a list, who signed it and what is missing; exit code 1 if it is not to be used')
    .option('-c, --config <file>', 'take list, authorities and threshold from this configuration')
    .option('--list <file>', 'the list')
    .option('--authority-key <hex...>', 'public keys of the authorities', publicKeys)
    .option('--threshold <number>', 'how many of them must have signed (default: more than half)', integerFrom(1, 64))
    .action((options: VerifyOptions, command: Command) => {
      const print = printer(command);
      const { file, trust } = trustOf(options);
      const { network: list, support } = inspected(file, trust, command);
      print(...describeNetwork(list), ...describeSignatures(support), ...warnings(list));
      const objection = objectionTo(list, support, trust, Date.now());
      if (objection !== undefined) command.error(`not valid: ${objection.message}`, { exitCode: 1 });
      print(
        `valid: ${support.valid.length} of ${trust.authorities.length} authorities signed, ${trust.threshold} are needed`,
      );
    });
};

const inspected = (file: string, trust: Trust, command: Command): ReturnType<typeof inspectNetwork> => {
  const text = readText(file);
  try {
    return inspectNetwork(text, trust.authorities);
  } catch (error) {
    if (error instanceof RouteError) command.error(`not valid: ${error.message}`, { exitCode: 1 });
    throw error;
  }
};

const trustOf = (options: VerifyOptions): { readonly file: string; readonly trust: Trust } => {
  if (options.config !== undefined) {
    const network = networkConfig(loadConfig(options.config));
    const file = options.list ?? (network.kind === 'list' ? network.list : undefined);
    if (file === undefined)
      throw new ConfigError('network verify: expected --list for a joined network; mixmailer network shows its own');
    return { file, trust: trustIn(network) };
  }
  const authorities = [...new Set(options.authorityKey)];
  if (options.list === undefined || authorities.length === 0)
    throw new ConfigError('network verify: expected --config, or --list and --authority-key');
  const threshold = options.threshold ?? Math.floor(authorities.length / 2) + 1;
  if (threshold > authorities.length)
    throw new ConfigError(`network verify: --threshold: expected at most ${authorities.length}, got ${threshold}`);
  return { file: options.list, trust: { authorities, threshold } };
};

/** The list in lines for people. */
export const describeNetwork = (network: Network): string[] => [
  `list of ${network.nodes.length} nodes, valid from ${shortTime(network.validFrom)} to ${shortTime(network.validUntil)} UTC`,
  `digest ${network.digest}`,
  `paths of ${network.parameters.pathLength} hops; ${strategyText(network.parameters)}`,
  '',
  ...table([
    ['name', 'roles', 'provider', 'address', 'mix keys until', 'node'],
    ...network.nodes.map((node) => [
      node.name,
      node.roles.join('+'),
      node.provider,
      node.address,
      shortTime(lastKeyEnd(node)),
      node.nodeId,
    ]),
  ]),
  '',
];

const lastKeyEnd = (node: Descriptor): number => Math.max(...node.mixKeys.map(({ notAfter }) => notAfter));

const describeSignatures = (support: Support): string[] => [
  ...support.valid.map((key) => `signed by         ${key}`),
  ...support.bad.map((key) => `WRONG signature   ${key}`),
  ...support.missing.map((key) => `no signature of   ${key}`),
  ...support.strangers.map((key) => `stranger          ${key} (not an authority here: not checked, does not count)`),
];

const warnings = (network: Network): string[] =>
  network.nodes
    .filter((node) => lastKeyEnd(node) < network.validUntil)
    .map((node) => `note: the mix keys of ${node.name} end before the list does; then no path leads through it`);

const numberFrom = (from: number, to: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= from && value <= to))
    throw new InvalidArgumentError(`expected a number ${from} to ${to}`);
  return value;
};

const integerFrom = (from: number, to: number) => (text: string) => {
  const value = numberFrom(from, to)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError(`expected an integer ${from} to ${to}`);
  return value;
};

const publicKeys = (text: string, before: readonly string[] = []): readonly string[] => {
  if (text.length !== 64 || fromHex(text) === undefined) throw new InvalidArgumentError('expected 64 hex digits');
  return [...before, text.toLowerCase()];
};
