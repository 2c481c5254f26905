/**
 * Emits `pod:joined` and `pod:left` as this pod's heartbeats show the fleet.
 *
 * Invariants:
 * - Every pod emits both for every incarnation, its own included. It emits no `pod:joined` for those that were there before
 *   it. It emits `pod:left` for an incarnation that left and for one that was evicted; for the latter the leader emits
 *   `pod:dead` too.
 * - A late read emits nothing. An incarnation that the view does not show has left only if the heartbeat was sent at least
 *   `staleReadMs` after a view first showed it. One that has left does not join again.
 */
import { EVENT_LINES, logEvent, type EventLine, type Events } from '../events.js';
import type { Log } from '../log.js';
import type { PodRef, PodView } from '../store/contract.js';

interface Member {
  readonly pod: PodRef;
  /** When a view first showed it. */
  readonly since: number;
}

export class MembershipEvents {
  readonly #events: Events;
  readonly #log: Log;
  readonly #staleReadMs: number;
  #members: ReadonlyMap<string, Member> | undefined;
  /** Incarnations that have left, and when. A late read may still show them. */
  readonly #departed = new Map<string, number>();

  constructor(events: Events, log: Log, staleReadMs = 0) {
    this.#events = events;
    this.#log = log;
    this.#staleReadMs = staleReadMs;
  }

  /** Called with each answer to a heartbeat. @param times when the heartbeat was sent, and when it was answered */
  update(
    pods: readonly PodView[],
    self: PodRef,
    { askedAt, now }: { readonly askedAt: number; readonly now: number },
  ): void {
    const shown = new Map(pods.map(({ pod }) => [pod.incarnation, pod]));
    const isFirst = this.#members === undefined;
    const before = this.#members ?? new Map<string, Member>();
    const members = new Map<string, Member>();
    for (const [incarnation, at] of this.#departed) {
      if (askedAt - at >= this.#staleReadMs) this.#departed.delete(incarnation);
    }
    for (const [incarnation, member] of before) {
      if (shown.has(incarnation) || askedAt - member.since < this.#staleReadMs) members.set(incarnation, member);
      else this.#depart(member.pod, self, now);
    }
    for (const [incarnation, pod] of shown) {
      if (before.has(incarnation) || this.#departed.has(incarnation)) continue;
      members.set(incarnation, { pod, since: now });
      if (!isFirst || incarnation === self.incarnation) this.#join(pod, self);
    }
    this.#members = members;
  }

  /** This pod has left. */
  left(self: PodRef): void {
    const members = new Map(this.#members);
    if (!members.delete(self.incarnation)) return;
    this.#members = members;
    logEvent(this.#log, EVENT_LINES.podLeft, self);
    this.#events.emit('pod:left', { ...self });
  }

  #join(pod: PodRef, self: PodRef): void {
    this.#logChange(EVENT_LINES.podJoined, EVENT_LINES.peerJoined, pod, self);
    this.#events.emit('pod:joined', { ...pod });
  }

  #depart(pod: PodRef, self: PodRef, now: number): void {
    this.#departed.set(pod.incarnation, now);
    this.#logChange(EVENT_LINES.podLeft, EVENT_LINES.peerLeft, pod, self);
    this.#events.emit('pod:left', { ...pod });
  }

  #logChange(own: EventLine, ofPeer: EventLine, pod: PodRef, self: PodRef): void {
    if (pod.incarnation === self.incarnation) logEvent(this.#log, own, pod);
    else if (this.#log.verbose) logEvent(this.#log, ofPeer, { peerId: pod.podId, peerIncarnation: pod.incarnation });
  }
}
