import { Bug } from '../base/errors.js';
import { exponential, type Rng, streamRng, uniformInt, unitInterval } from '../base/random.js';
import { dayMs, minuteMs } from '../base/units.js';
import { type BundleClass, planBundles } from '../carrier/bundle.js';
import type { Content, Way } from './protocol.js';
import { EventQueue } from './queue.js';
import { type Message, type Outcome, Packet, type Scenario, type Underway } from './scenario.js';
import type { AgeCounts, Delivery, NodeMail } from './sighting.js';

type Event =
  | { readonly kind: 'write' }
  | { readonly kind: 'turn' }
  | { readonly kind: 'flush'; readonly node: number }
  | { readonly kind: 'ready'; readonly node: number; readonly packet: Packet }
  | ({ readonly kind: 'client-mail'; readonly sender: number } & Underway)
  | ({ readonly kind: 'node-mail' } & Underway);

/** How often nodes make cover where packets leave one by one. */
const coverEveryMs = minuteMs;

const countAges = (packets: readonly Packet[]): AgeCounts => {
  let seasoned = 0;
  for (const { passedOver } of packets) if (passedOver) seasoned++;
  return { fresh: packets.length - seasoned, seasoned };
};

/** One run of a network. What comes out depends on the scenario alone: the same seed gives the same mails. */
export const simulate = (scenario: Scenario): Outcome => new Run(scenario).outcome();

class Run {
  readonly #scenario: Scenario;
  readonly #rng: Rng;
  readonly #queue = new EventQueue<Event>();
  readonly #pools: Packet[][];
  /** Messages that wait for their client's turn, by client. */
  readonly #waiting = new Map<number, Packet[]>();
  readonly #relayMails: Float64Array;
  readonly #handled: Float64Array;
  readonly #lastAt: number;
  readonly #latenciesMs: number[] = [];
  readonly #paceWaitsMs: number[] = [];
  #now = 0;
  #messages = 0;
  #mailed = 0;
  #relayPackets = 0;
  #clientMails = 0;
  #lastMails = 0;
  #packetHops = 0;

  constructor(scenario: Scenario) {
    const nodes = scenario.protocol.world.network.nodes.length;
    this.#scenario = scenario;
    this.#rng = streamRng(scenario.seed);
    this.#pools = Array.from({ length: nodes }, () => []);
    this.#relayMails = new Float64Array(nodes);
    this.#handled = new Float64Array(nodes);
    this.#lastAt = scenario.warmUpMs + scenario.measuredMs;
  }

  outcome(): Outcome {
    const { traffic, protocol, drainMs, measuredMs } = this.#scenario;
    const { intervalMs, phases } = protocol.mixing;
    if (traffic.messagesPerMinute > 0) this.#afterGap({ kind: 'write' }, minuteMs / traffic.messagesPerMinute);
    this.#nextTurn();
    this.#pools.forEach((_, node) => {
      this.#queue.add((phases[node] ?? 0) * (intervalMs || coverEveryMs), { kind: 'flush', node });
    });
    const endAt = this.#lastAt + drainMs;
    while (this.#queue.nextAt < endAt) {
      this.#now = this.#queue.nextAt;
      const event = this.#queue.take();
      if (event !== undefined) this.#happen(event);
    }
    return {
      latenciesMs: Float64Array.from(this.#latenciesMs).sort(),
      paceWaitsMs: Float64Array.from(this.#paceWaitsMs).sort(),
      messages: this.#mailed,
      undelivered: this.#mailed - this.#latenciesMs.length,
      relayMails: this.#relayMails,
      relayPackets: this.#relayPackets,
      clientMails: this.#clientMails,
      lastMails: this.#lastMails,
      handled: this.#handled,
      measuredDays: measuredMs / dayMs,
      packetHops: this.#packetHops,
    };
  }

  get #isMeasured(): boolean {
    return this.#now >= this.#scenario.warmUpMs && this.#now < this.#lastAt;
  }

  #happen(event: Event): void {
    switch (event.kind) {
      case 'write': {
        this.#write();
        return;
      }
      case 'turn': {
        this.#turn();
        return;
      }
      case 'flush': {
        this.#flush(event.node);
        return;
      }
      case 'ready': {
        this.#leave(event.node, [event.packet]);
        return;
      }
      case 'client-mail': {
        const { sender, to, packets } = event;
        this.#scenario.see?.(
          { kind: 'entry', at: this.#now, sender, node: to, packets: packets.length },
          packets.flatMap(({ message }) => message ?? []),
        );
        this.#take(event);
        return;
      }
      case 'node-mail': {
        for (const packet of event.packets) packet.hop++;
        this.#take(event);
        return;
      }
    }
  }

  #afterGap(event: Event, meanMs: number): void {
    this.#queue.add(this.#now + exponential(this.#rng, meanMs), event);
  }

  // The turns of clients who each send at times of a Poisson process are such a process, and each is any client's.
  #nextTurn(): void {
    const { pace, clients } = this.#scenario.traffic;
    if (pace !== undefined && clients > 0) this.#afterGap({ kind: 'turn' }, pace.meanMs / clients);
  }

  /** A user sends a message. */
  #write(): void {
    const { traffic, protocol } = this.#scenario;
    const { messagesPerMinute, clients, pace, senderOf, recipientOf } = traffic;
    this.#afterGap({ kind: 'write' }, minuteMs / messagesPerMinute);
    const rng = this.#rng;
    const number = this.#messages++;
    const sender = senderOf?.(rng) ?? uniformInt(rng, clients);
    const recipient = recipientOf?.(rng, sender) ?? number;
    const message: Message = {
      number,
      sender,
      recipient,
      submittedAt: this.#now,
      mailedAt: undefined,
      deliveredAt: undefined,
    };
    const packet = new Packet('message', protocol.routes.message(rng), message);
    if (pace === undefined) {
      this.#mailFrom(sender, [packet]);
      for (let drops = protocol.cover.dropsBesideMessage(rng); drops > 0; drops--) {
        const way = protocol.routes.clientDrop(rng);
        if (way !== undefined) this.#mailFrom(sender, [new Packet('drop', way)]);
      }
    } else {
      const waiting = this.#waiting.get(sender) ?? [];
      waiting.push(packet);
      this.#waiting.set(sender, waiting);
    }
  }

  /** The share of the turns in which a client asks. */
  get #questions(): number {
    const { traffic, protocol } = this.#scenario;
    return protocol.routes.answer === undefined ? 0 : (traffic.pace?.questions ?? 0);
  }

  /** What waits longest for a client's turn, and what can go with it. */
  #takeWaiting(client: number, most: number): Packet[] {
    const waiting = this.#waiting.get(client) ?? [];
    const entry = waiting[0]?.way[0];
    const chosen = waiting.filter(({ way }) => way[0] === entry).slice(0, most);
    if (chosen.length > 0)
      this.#waiting.set(
        client,
        waiting.filter((packet) => !chosen.includes(packet)),
      );
    return chosen;
  }

  /** A client's time to send has come: a question, or what waits; the rest filled with cover. */
  #turn(): void {
    const { traffic, protocol } = this.#scenario;
    this.#nextTurn();
    const size = traffic.pace?.packets ?? 1;
    const client = uniformInt(this.#rng, traffic.clients);
    const questions = this.#questions;
    const way =
      questions > 0 && unitInterval(this.#rng) < questions ? protocol.routes.clientDrop(this.#rng) : undefined;
    const chosen = way === undefined ? this.#takeWaiting(client, size) : [new Packet('question', way)];
    while (chosen.length < size) {
      const way = protocol.routes.clientDrop(this.#rng, chosen[0]?.way[0]);
      if (way === undefined) break;
      chosen.push(new Packet('drop', way));
    }
    if (chosen.length > 0) this.#mailFrom(client, chosen);
  }

  #mailFrom(sender: number, packets: readonly Packet[]): void {
    const to = packets[0]?.way[0];
    if (to === undefined) throw new Bug('a mail without packets');
    for (const { message } of packets)
      if (message !== undefined) {
        message.mailedAt = this.#now;
        if (this.#isMeasured) {
          this.#mailed++;
          this.#paceWaitsMs.push(this.#now - message.submittedAt);
        }
      }
    if (this.#isMeasured) this.#clientMails++;
    const at = this.#now + this.#scenario.transportMs(this.#rng);
    this.#queue.add(at, { kind: 'client-mail', sender, from: undefined, to, at, packets });
  }

  /** A mail arrives at a node. */
  #take(mail: Underway): void {
    const { letsPass, onLoop, protocol } = this.#scenario;
    if (letsPass?.(mail) === false) return;
    const { to, packets } = mail;
    this.#packetHops += packets.length;
    if (this.#isMeasured) this.#handled[to] = (this.#handled[to] ?? 0) + packets.length;
    for (const packet of packets) {
      for (let drops = protocol.cover.dropsOnArrival(this.#rng); drops > 0; drops--)
        this.#make('drop', to, protocol.routes.drop(this.#rng, to));
      if (packet.isAtEnd && packet.content === 'loop') onLoop?.(to, this.#now, 'home');
      else if (!packet.isAtEnd || packet.content !== 'drop') this.#put(to, packet);
    }
  }

  #put(node: number, packet: Packet): void {
    const { mixing } = this.#scenario.protocol;
    packet.passedOver = false;
    packet.readyAt = this.#now + mixing.delayMs(this.#rng);
    this.#pools[node]?.push(packet);
    if (mixing.intervalMs === 0) this.#queue.add(packet.readyAt, { kind: 'ready', node, packet });
  }

  #make(content: Content, node: number, way: Way | undefined): Packet | undefined {
    if (way === undefined) return undefined;
    const packet = new Packet(content, way);
    this.#put(node, packet);
    return packet;
  }

  #flush(node: number): void {
    const { protocol, holds, affords, onLoop } = this.#scenario;
    const { routes, cover, mixing } = protocol;
    const rng = this.#rng;
    this.#queue.add(this.#now + (mixing.intervalMs || coverEveryMs), { kind: 'flush', node });
    const isHolding = holds?.(node, this.#now) === true;
    for (let loops = cover.loopsAtFlush(rng); loops > 0; loops--) {
      const loop = this.#make('loop', node, routes.loop(rng, node));
      if (loop !== undefined) loop.throughHold = isHolding;
      onLoop?.(node, this.#now, 'sent');
    }
    const pool = this.#pools[node] ?? [];
    const now = this.#now;
    if (isHolding) {
      this.#leave(
        node,
        pool.filter(({ throughHold }) => throughHold),
      );
      return;
    }
    for (let drops = cover.dropsAtFlush(rng); drops > 0; drops--) this.#make('drop', node, routes.drop(rng, node));
    if (mixing.intervalMs === 0) return;
    const ready = pool.every(({ readyAt }) => readyAt <= now) ? pool : pool.filter(({ readyAt }) => readyAt <= now);
    const chosen = mixing.leaving(ready, rng);
    this.#leave(node, affords?.(node, now, chosen) ?? chosen);
  }

  #leave(node: number, leaving: readonly Packet[]): void {
    for (const packet of leaving) packet.leaves = true;
    const stayed = (this.#pools[node] ?? []).filter(({ leaves }) => !leaves);
    this.#pools[node] = stayed;
    const { see, protocol } = this.#scenario;
    const ages = see && { stayed: countAges(stayed), left: countAges(leaving) };
    for (const packet of stayed) packet.passedOver = true;
    const ways = new Map<number, Packet[]>();
    const deliveries: Delivery[] = [];
    const delivered: Message[] = [];
    for (const packet of leaving) {
      packet.leaves = false;
      if (packet.isAtEnd) {
        if (packet.content === 'question') {
          this.#answer(node);
          continue;
        }
        if (this.#isMeasured) this.#lastMails++;
        if (packet.message !== undefined) {
          const at = this.#deliver(node, packet.message);
          if (see !== undefined) {
            deliveries.push({ recipient: packet.message.recipient, at });
            delivered.push(packet.message);
          }
        }
        continue;
      }
      const to = packet.way[packet.hop + 1] as number;
      const way = ways.get(to);
      if (way === undefined) ways.set(to, [packet]);
      else way.push(packet);
    }
    const mails: NodeMail[] = [];
    const { layers } = protocol.world;
    for (const [to, packets] of ways)
      for (const part of this.#inMails(packets)) {
        const at = this.#now + this.#scenario.transportMs(this.#rng);
        this.#queue.add(at, { kind: 'node-mail', from: node, to, at, packets: part });
        if (this.#isMeasured) this.#relayMails[node] = (this.#relayMails[node] ?? 0) + 1;
        if (see !== undefined) mails.push({ to, packets: part.length, arrivesAt: at, closing: layers?.[to] === 1 });
      }
    if (ages !== undefined) see?.({ kind: 'flush', at: this.#now, node, ...ages, mails, deliveries }, delivered);
  }

  /** What goes to one node, mail by mail. */
  #inMails(packets: readonly Packet[]): readonly (readonly Packet[])[] {
    const bundled = this.#scenario.protocol.mails === 'bundles';
    const classes = bundled ? planBundles(packets.length) : packets.map((): BundleClass => 1);
    let used = 0;
    if (this.#isMeasured) for (const size of classes) this.#relayPackets += size;
    return classes.map((size) => packets.slice(used, (used += size)));
  }

  /** @returns when the recipient has it */
  #deliver(node: number, message: Message): number {
    const { transportMs, warmUpMs } = this.#scenario;
    const at = this.#now + transportMs(this.#rng);
    message.deliveredAt = at;
    if (message.mailedAt !== undefined && message.mailedAt >= warmUpMs && message.mailedAt < this.#lastAt)
      this.#latenciesMs.push(at - message.mailedAt);
    if (this.#questions === 0) this.#answer(node);
    return at;
  }

  #answer(exit: number): void {
    this.#make('answer', exit, this.#scenario.protocol.routes.answer?.(this.#rng, exit));
  }
}
