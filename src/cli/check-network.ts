import { systemRng } from '../adapters/system.js';
import { equalBytes } from '../base/bytes.js';
import { ConfigError, RouteError } from '../base/errors.js';
import { authoritiesOf } from '../compose-authority.js';
import { viewNetwork } from '../compose-view.js';
import type { Config } from '../config.js';
import { openNodeKeys } from '../node-keys.js';
import { mixKeyAt } from '../route/epoch.js';
import type { Network } from '../route/network.js';
import { accountsIn } from '../config-mail.js';
import { chooseLoopPath, choosePath } from '../path/path.js';
import { shortTime } from './print.js';
import type { Report } from './report.js';

/** The list: whether there is one, whose it is, and whether the node or the client can do with it. */
export const checkNetwork = (
  config: Config,
  report: Report,
  { now, nodeId }: { readonly now: number; readonly nodeId: string | undefined },
): void => {
  if (config.authority !== undefined) {
    checkAuthority(config, config.authority.key, report);
    return;
  }
  if (config.network === undefined) {
    const role = config.node === undefined ? 'client' : 'node';
    report.note('it is in no network yet. With an invitation, from somebody who is in one, it joins when it starts:');
    report.detail(`mixmailer ${role} --config ${config.file} --join "mixmailer:..."`);
    return;
  }
  try {
    const { network, objection } = viewNetwork(config, now);
    if (config.network.kind === 'join') {
      const { authorities } = config.network.invitation;
      report.good(`joined the network of ${authorities.map(({ address }) => address).join(', ')}`);
      if (network === undefined && objection === undefined) {
        report.note('no network list has come yet: a running node or client asks for it by mail');
        return;
      }
    }
    if (network === undefined || objection !== undefined)
      throw objection ?? new RouteError('route/bad-document', 'there is no network list');
    report.good(`network list of ${network.nodes.length} nodes, valid until ${shortTime(network.validUntil)} UTC`);
    if (nodeId !== undefined) checkOwnEntry(config, report, { now, nodeId, network });
    if (config.client !== undefined) {
      const length = network.parameters.pathLength;
      choosePath({
        network,
        now,
        rng: systemRng,
        length,
        allow: config.client.paths.allow,
        senderProvider: config.mail.provider,
        recipientDomains: [],
      });
      report.good(`paths of ${length} hops can be found`);
    }
  } catch (error) {
    if (error instanceof ConfigError) report.wrong(error.message, ['Ask the authorities of the network for the list.']);
    else if (error instanceof RouteError) report.wrong(error.message, routeAdvice(error));
    else throw error;
  }
};

const checkAuthority = (config: Config, keyFile: string, report: Report): void => {
  try {
    const others = authoritiesOf(config).length - 1;
    report.good(`the key ${keyFile} of this authority, beside ${others} ${others === 1 ? 'other' : 'others'}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    report.wrong(error.message, [`Run: mixmailer network new --config ${config.file}`]);
  }
};

const routeAdvice = ({ code }: RouteError): string[] => {
  switch (code) {
    case 'route/no-path':
      return [
        'The network is too small for the rules. A rule can be given up in client.paths.allow; read there what that costs.',
      ];
    case 'route/not-yet-valid':
      return ["Compare this machine's clock with the time."];
    case 'route/no-list':
    case 'route/stale':
      return ['Wait: the list is asked for by mail, and an answer may take an hour. Then look at the log.'];
    case 'route/fork':
      return [
        'Somebody shows different lists to different people. Ask the operators of the authorities, then mixmailer network forget-fork.',
      ];
    case 'route/expired':
    case 'route/too-few-signatures':
      return ['Ask the authorities of the network for the list that is valid now, with all signatures.'];
    case 'route/bad-document':
    case 'route/bad-signature':
      return [
        'The file is damaged or forged: get it again, and compare its digest with others (mixmailer network verify).',
      ];
  }
};

const checkOwnEntry = (
  config: Config,
  report: Report,
  { now, nodeId, network }: { readonly now: number; readonly nodeId: string; readonly network: Network },
): void => {
  const isJoined = config.network?.kind === 'join';
  const again = isJoined
    ? 'A running node tells the authorities by itself; it takes up to two periods until a list says so.'
    : `Run mixmailer descriptor --config ${config.file} and send what it writes to the authorities.`;
  const entry = network.nodes.find((node) => node.nodeId === nodeId);
  if (entry === undefined) {
    if (isJoined) report.note(`this node is not in the list yet. ${again}`);
    else report.wrong('this node is not in the list: nobody sends it packets', [again]);
    return;
  }
  if (network.standings.get(entry.nodeId)?.leaving === true) report.note('this node leaves the network');
  report.good(`this node is in the list as ${entry.name}`);
  const isOwn = ({ address }: { readonly address: string }): boolean =>
    address.toLowerCase() === entry.address.toLowerCase();
  if (!accountsIn(config.mail).some(isOwn)) report.wrong('the list has another address for this node', [again]);
  if (entry.roles.includes('exit') !== (config.node?.exit ?? false))
    report.wrong(
      `the list has this node ${entry.roles.includes('exit') ? 'as an exit' : 'not as an exit'}, the configuration says otherwise`,
      [again],
    );
  const key = mixKeyAt(entry, now);
  if (key === undefined)
    report.wrong('the list has no mix key of this node that is valid now: no path leads through it', [again]);
  else if (
    !openNodeKeys(config)
      .mixKeys(now)
      .some(({ publicKey }) => equalBytes(publicKey, key.publicKey))
  )
    report.wrong('senders use a mix key that is not in the data folder: their packets can not be opened', [again]);
  try {
    chooseLoopPath({
      network,
      now,
      rng: systemRng,
      length: network.parameters.pathLength,
      self: entry.nodeId,
      allow: new Set(),
    });
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    report.note(`cover loops: ${error.message}`);
  }
};
