/**
 * A store whose reads show the commits of other sessions late, as an account of Snowflake does by default.
 *
 * It decorates a store without delays. All decorators of one {@link LateWorld} share the history of each row: every state
 * that a call through one of them produced, with its session and its time. A read shows, for each row, the newest state
 * that this session wrote itself or that is old enough. Writes see the current row, as the target of an UPDATE on
 * Snowflake does.
 *
 * - A store has three sessions, as on Snowflake: exchanges, heartbeats, and the rest. Each sees the commits of the others
 *   late.
 * - A session never goes back to an older state, unless {@link LateStore.reconnect} replaces it.
 * - `find`, `ended`, `cancelled`, `fleet`, `orphans`, and the pods and claims of a heartbeat's view are late. `evict` uses
 *   the silence that its session sees. `pulse`, `list` and `stats` are not late. `watch` never calls.
 */
import type { Runtime } from '../../src/runtime/runtime.js';
import { isTerminal } from '../../src/step/step.js';
import type {
  CancelledStep,
  EndedQuery,
  EndedReply,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  FleetView,
  Heartbeat,
  Orphan,
  PodRef,
  PodRegistration,
  PodView,
  Settlement,
  StepAt,
  StepRecord,
  Store,
} from '../../src/store/contract.js';
import type { NewStep } from '../../src/step/submission.js';

export interface Lateness {
  /** The bound that the stores report. No read is later. */
  readonly staleReadMs: number;
  /** How late the next read is, in ms. Default: the bound. */
  readonly nextMs?: () => number;
}

interface State<T> {
  readonly at: number;
  readonly by: Session;
  readonly value: T;
}

/** The commits that a connection to the store has seen. */
class Session {
  #horizon = -Infinity;

  /** A read with this delay shows the commits of others up to this instant. */
  sees(now: number, lateMs: number): number {
    return (this.#horizon = Math.max(this.#horizon, now - lateMs));
  }
}

/** The states of one row, the oldest first. */
class History<T> {
  #states: State<T>[] = [];

  add(state: State<T>, forgetBefore: number): void {
    const firstNeeded = this.#states.findLastIndex(({ at }) => at <= forgetBefore);
    if (firstNeeded > 0) this.#states = this.#states.slice(firstNeeded);
    this.#states.push(state);
  }

  get newest(): T | undefined {
    return this.#states.at(-1)?.value;
  }

  shown(session: Session, horizon: number): State<T> | undefined {
    return this.#states.findLast(({ at, by }) => by === session || at <= horizon);
  }
}

interface StepState {
  readonly record: StepRecord | undefined;
  readonly claimToken: string | null;
}

export class LateWorld {
  readonly runtime: Runtime;
  readonly staleReadMs: number;
  readonly #nextMs: () => number;
  readonly #steps = new Map<string, History<StepState>>();
  readonly #pods = new Map<string, History<PodView | undefined>>();
  readonly #births = new Map<string, number>();
  readonly #orphans = new History<readonly Orphan[]>();
  /** Tokens of claims, by step and version; a record does not contain them. */
  readonly #tokens = new Map<string, string>();
  #moves = 0;

  /** @param runtime whose monotonic clock says how late a read is */
  constructor(runtime: Runtime, { staleReadMs, nextMs = () => staleReadMs }: Lateness) {
    this.runtime = runtime;
    this.staleReadMs = staleReadMs;
    this.#nextMs = nextMs;
  }

  /** The store of another process: three sessions of its own. */
  over(inner: Store): LateStore {
    return new LateStore(inner, this);
  }

  get pulse(): string {
    return String(this.#moves);
  }

  claimed(claims: readonly Fence[]): void {
    for (const { stepId, version, claimToken } of claims) this.#tokens.set(`${version} ${stepId}`, claimToken);
  }

  /** Records the state of these steps after a call of `by`. A row that did not change is not its commit. */
  async wroteSteps(inner: Store, by: Session, stepIds: readonly string[]): Promise<void> {
    const ids = [...new Set(stepIds)];
    const records = new Map((await inner.find(ids)).map((record) => [record.stepId, record]));
    for (const stepId of ids) {
      const record = records.get(stepId);
      if (record?.version === this.#steps.get(stepId)?.newest?.record?.version) continue;
      const claimToken = this.#tokens.get(`${record?.version} ${stepId}`) ?? null;
      this.#add(this.#steps, stepId, by, { record, claimToken });
      this.#moves++;
    }
    await this.#sawOrphans(inner, by);
  }

  async wrotePods(inner: Store, by: Session, pods: readonly PodRef[]): Promise<void> {
    const views = await inner.fleet();
    for (const { incarnation } of pods) {
      const view = views.find(({ pod }) => pod.incarnation === incarnation);
      if (!this.#births.has(incarnation)) this.#births.set(incarnation, this.runtime.monotonicMs());
      this.#add(this.#pods, incarnation, by, view);
    }
    await this.#sawOrphans(inner, by);
  }

  step(session: Session, stepId: string): StepState | undefined {
    return this.#steps.get(stepId)?.shown(session, this.#horizon(session))?.value;
  }

  heldBy(session: Session, { incarnation }: PodRef): Fence[] {
    const horizon = this.#horizon(session);
    const held: Fence[] = [];
    for (const [stepId, history] of this.#steps) {
      const { record, claimToken } = history.shown(session, horizon)?.value ?? {};
      if (record?.status !== 'claimed' || record.claimedIncarnation !== incarnation) continue;
      held.push({ stepId, claimToken: claimToken ?? '', version: record.version });
    }
    return held;
  }

  pods(session: Session): PodView[] {
    const horizon = this.#horizon(session);
    const now = this.runtime.monotonicMs();
    const pods: PodView[] = [];
    for (const history of this.#pods.values()) {
      const { at = 0, value: view } = history.shown(session, horizon) ?? {};
      if (view === undefined) continue;
      const ageMs = now - (this.#births.get(view.pod.incarnation) ?? at);
      pods.push({ ...view, ageMs, silentForMs: view.silentForMs + now - at });
    }
    return pods;
  }

  orphans(session: Session): readonly Orphan[] {
    return this.#orphans.shown(session, this.#horizon(session))?.value ?? [];
  }

  async #sawOrphans(inner: Store, by: Session): Promise<void> {
    const value = await inner.orphans({ limit: 1_000 });
    const at = this.runtime.monotonicMs();
    this.#orphans.add({ at, by, value }, at - this.staleReadMs);
  }

  #horizon(session: Session): number {
    return session.sees(this.runtime.monotonicMs(), Math.min(this.staleReadMs, this.#nextMs()));
  }

  #add<T>(to: Map<string, History<T>>, key: string, by: Session, value: T): void {
    const at = this.runtime.monotonicMs();
    const history = to.get(key) ?? new History<T>();
    to.set(key, history);
    history.add({ at, by, value }, at - this.staleReadMs);
  }
}

type SessionName = 'exchange' | 'heartbeat' | 'rest';

export class LateStore implements Store {
  readonly name = 'late';
  readonly rhythm;
  readonly staleReadMs: number;
  readonly #inner: Store;
  readonly #world: LateWorld;
  readonly #sessions = { exchange: new Session(), heartbeat: new Session(), rest: new Session() };

  constructor(inner: Store, world: LateWorld) {
    this.#inner = inner;
    this.#world = world;
    this.rhythm = inner.rhythm;
    this.staleReadMs = world.staleReadMs;
  }

  /** Replaces a broken session. The new one may show less than the old one did, even of the old one's commits. */
  reconnect(name: SessionName): void {
    this.#sessions[name] = new Session();
  }

  async submit(steps: readonly NewStep[]) {
    const receipts = await this.#inner.submit(steps);
    const ids = steps.map(({ stepId }) => stepId);
    await this.#world.wroteSteps(this.#inner, this.#sessions.rest, ids);
    return receipts;
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const reply = await this.#inner.exchange(request);
    this.#world.claimed(reply.claims);
    const ids = [...request.settlements, ...reply.claims].map(({ stepId }) => stepId);
    if (ids.length > 0) await this.#world.wroteSteps(this.#inner, this.#sessions.exchange, ids);
    return reply;
  }

  async settle(pod: PodRef, settlements: readonly Settlement[]) {
    const receipts = await this.#inner.settle(pod, settlements);
    const ids = settlements.map(({ stepId }) => stepId);
    await this.#world.wroteSteps(this.#inner, this.#sessions.rest, ids);
    return receipts;
  }

  async find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    const { rest } = this.#sessions;
    const shown = [...new Set(stepIds)].map((stepId) => this.#world.step(rest, stepId)?.record);
    return Promise.resolve(shown.filter((record) => record !== undefined));
  }

  async ended({ awaited }: EndedQuery): Promise<EndedReply> {
    const ids = [...awaited.keys()];
    const found = await this.find(ids);
    const known = new Set(found.map(({ stepId }) => stepId));
    const steps = found.filter(({ status }) => isTerminal(status));
    return { steps, gone: ids.filter((id) => !known.has(id)), cursor: '', complete: true };
  }

  async cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    const now = this.#world.runtime.wallMs();
    return (await this.find(stepIds))
      .filter(({ status }) => status === 'cancelled')
      .map(({ stepId, updatedAt }) => ({ stepId, agoMs: Math.max(0, now - updatedAt) }));
  }

  async cancel(token: string, steps: readonly StepAt[]) {
    const receipts = await this.#inner.cancel(token, steps);
    await this.#byHand(steps);
    return receipts;
  }

  async retry(steps: readonly StepAt[]) {
    const receipts = await this.#inner.retry(steps);
    await this.#byHand(steps);
    return receipts;
  }

  async register(pod: PodRegistration): Promise<void> {
    await this.#inner.register(pod);
    await this.#world.wrotePods(this.#inner, this.#sessions.heartbeat, [pod]);
  }

  async heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    const { heartbeat } = this.#sessions;
    const view = await this.#inner.heartbeat(pod, beat);
    const isMember = view.pods.some((each) => each.pod.incarnation === pod.incarnation);
    if (isMember) await this.#world.wrotePods(this.#inner, heartbeat, [pod]);
    return { ...view, pods: this.#world.pods(heartbeat), claims: this.#world.heldBy(heartbeat, pod) };
  }

  fleet(): Promise<readonly PodView[]> {
    return Promise.resolve(this.#world.pods(this.#sessions.rest));
  }

  async leave(pod: PodRef): Promise<void> {
    await this.#inner.leave(pod);
    await this.#world.wrotePods(this.#inner, this.#sessions.heartbeat, [pod]);
  }

  orphans({ limit }: { readonly limit: number }): Promise<readonly Orphan[]> {
    return Promise.resolve(this.#world.orphans(this.#sessions.rest).slice(0, limit));
  }

  async evict(pods: readonly PodRef[]): Promise<readonly PodRef[]> {
    const { rest } = this.#sessions;
    const seen = new Map(this.#world.pods(rest).map((view) => [view.pod.incarnation, view]));
    const silent = pods.filter(({ incarnation }) => {
      const view = seen.get(incarnation);
      return view !== undefined && !view.asleep && view.silentForMs > view.deadAfterMs;
    });
    const evicted = new Set((await this.#inner.evict(pods)).map(({ incarnation }) => incarnation));
    const late = silent.filter(({ incarnation }) => !evicted.has(incarnation));
    for (const pod of late) await this.#inner.leave(pod); // the store sees that it is alive, but the eviction must be final
    const gone = pods.filter((pod) => evicted.has(pod.incarnation) || late.includes(pod));
    await this.#world.wrotePods(this.#inner, rest, gone);
    return gone;
  }

  pulse(): Promise<string> {
    return Promise.resolve(this.#world.pulse);
  }

  watch(): () => void {
    return () => {};
  }

  list(...args: Parameters<Store['list']>) {
    return this.#inner.list(...args);
  }

  stats() {
    return this.#inner.stats();
  }

  diagnose() {
    return this.#inner.diagnose();
  }

  prune(...args: Parameters<Store['prune']>) {
    return this.#inner.prune(...args);
  }

  open(): Promise<void> {
    return this.#inner.open();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #byHand(steps: readonly StepAt[]): Promise<void> {
    const ids = steps.map(({ stepId }) => stepId);
    return this.#world.wroteSteps(this.#inner, this.#sessions.rest, ids);
  }
}
