/**
 * What the conformance suite needs to drive a store: how to open one, and short names for what its tests do.
 *
 * Times are counted in ticks of the store under test, so that a store without a virtual clock can be tested in real time.
 */
import { expect } from 'vitest';
import type {
  Claim,
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  FreshClaim,
  Heartbeat,
  PodRef,
  PodRegistration,
  PodView,
  Receipt,
  Settlement,
  StepRecord,
  Store,
} from '../../src/store/contract.js';
import type { NewStep } from '../../src/step/submission.js';

/** An open store on fresh data. */
export interface OpenedStore {
  readonly store: Store;
  /**
   * Opens another handle on the same data, as another process would; returns the same one if there can be only one.
   *
   * @param wallAheadMs how far the wall clock of that process is ahead of this one. Default 0
   */
  another(wallAheadMs?: number): Promise<Store>;
  /** The unit of time of the tests, in ms: longer than any test takes between two calls. */
  readonly tickMs: number;
  /** `false`: the database enforces no keys, so that several concurrent submissions of one step may get `created`. */
  readonly uniqueKeys?: false;
  /** Whether a step remembers, besides its last settlement, those before it. A store whose exchange is one transaction need not. */
  readonly remembersEarlier?: true;
  /** Advances the store's clock. */
  pass(ms: number): Promise<void>;
  /** Closes every handle, and removes the data. */
  close(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

/** Long enough that no pod is evicted by chance. */
const LONG_MS = 86_400_000;

let serial = 0;
/** A name that no other test uses. */
export const fresh = (word: string): string => `${word}-${String(++serial).padStart(6, '0')}`;

/** A step of type `work`, due at once. */
export function newStep(over: Partial<NewStep> & { readonly args?: unknown } = {}): NewStep {
  const { args, ...rest } = over;
  const type = rest.type ?? 'work';
  const payload = JSON.stringify({ type, ...(args === undefined ? {} : { args }) });
  return { stepId: fresh('step'), type, payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null, ...rest };
}

/** `count` steps with ids in order. */
export function newSteps(count: number, over: Partial<NewStep> = {}): NewStep[] {
  return Array.from({ length: count }, () => newStep(over));
}

/** A settlement: completed, unless `over` says otherwise. */
export function settlement(fence: Fence, over: Partial<Settlement> = {}): Settlement {
  const { stepId, claimToken, version } = fence;
  const completed = { status: 'completed', delayMs: null, charge: 0, crash: 0, result: '"done"', error: null } as const;
  return { stepId, claimToken, version, ...completed, ...over };
}

/** A settlement that makes the step pending again: at once, or after `delayMs`; uncharged, unless `over` says otherwise. */
export function pendingAgain(fence: Fence, over: Partial<Settlement> = {}): Settlement {
  return settlement(fence, { status: 'pending', result: null, ...over });
}

export const ids = (steps: readonly { readonly stepId: string }[]): string[] => steps.map((step) => step.stepId);

/** What a claim request says other than the default; `types` as a plain object where their names allow it. */
export type ClaimRequestOver = Partial<Omit<ClaimRequest, 'types'>> & {
  readonly types?: Readonly<Record<string, number>> | ReadonlyMap<string, number>;
};

/** Short names for what tests do with the store of the running test. */
export class Harness {
  readonly #opened: () => OpenedStore;

  constructor(opened: () => OpenedStore) {
    this.#opened = opened;
  }

  get store(): Store {
    return this.#opened().store;
  }

  get tickMs(): number {
    return this.#opened().tickMs;
  }

  get uniqueKeys(): boolean {
    return this.#opened().uniqueKeys ?? true;
  }

  get remembersEarlier(): boolean {
    return this.#opened().remembersEarlier ?? false;
  }

  another(wallAheadMs?: number): Promise<Store> {
    return this.#opened().another(wallAheadMs);
  }

  pass(ticks: number): Promise<void> {
    return this.#opened().pass(ticks * this.tickMs);
  }

  /**
   * Waits until reads are no longer late, so that every session sees what the others have committed. Call it before a test
   * reads in another way than it wrote, because a store may have several sessions under one handle.
   */
  async seen(): Promise<void> {
    const { staleReadMs } = this.store;
    if (staleReadMs > 0) await this.#opened().pass(staleReadMs);
  }

  /** Registers a new pod, with a limit for its silence that no test reaches. */
  async join(over: Partial<PodRegistration> = {}, store = this.store): Promise<PodRef> {
    const pod = { podId: over.podId ?? fresh('pod'), incarnation: over.incarnation ?? fresh('life') };
    await store.register({ heartbeatMs: 1_000, deadAfterMs: LONG_MS, meta: {}, ...over, ...pod });
    return pod;
  }

  /** Registers a new pod that may be evicted after one tick of silence. */
  joinMortal(over: Partial<PodRegistration> = {}): Promise<PodRef> {
    return this.join({ heartbeatMs: Math.ceil(this.tickMs / 4), deadAfterMs: this.tickMs, ...over });
  }

  async beat(pod: PodRef, over: Partial<Heartbeat> = {}) {
    await this.seen();
    return this.store.heartbeat(pod, { eligible: true, asleep: false, meta: {}, ...over });
  }

  /** Submits one step. */
  async submit(over: Parameters<typeof newStep>[0] = {}): Promise<NewStep> {
    const step = newStep(over);
    expect(await this.store.submit([step])).toEqual(['created']);
    return step;
  }

  exchange(request: ExchangeRequest, store = this.store): Promise<ExchangeReply> {
    return store.exchange(request);
  }

  /** Claims up to `free` steps of type `work`, or what `over` asks for. */
  async claim(pod: PodRef, over: ClaimRequestOver = {}, store = this.store): Promise<readonly FreshClaim[]> {
    const claim = claimRequest(over);
    await this.seen();
    return (await store.exchange({ pod, settlements: [], claim })).claims;
  }

  /** Claims exactly one step. */
  async claimOne(pod: PodRef, over: ClaimRequestOver = {}): Promise<FreshClaim> {
    const claims = await this.claim(pod, { free: 1, ...over });
    expect(claims).toHaveLength(1);
    return claims[0]!;
  }

  /** Submits a step and claims it for `pod`. */
  async held(pod: PodRef, over: Parameters<typeof newStep>[0] = {}): Promise<FreshClaim> {
    const type = over?.type ?? fresh('type');
    const step = await this.submit({ ...over, type });
    const claim = await this.claimOne(pod, { types: { [type]: 1 } });
    expect(claim.stepId).toBe(step.stepId);
    return claim;
  }

  /** Settles one claim through the pool's exchange. */
  async settle(pod: PodRef, one: Settlement, store = this.store): Promise<Receipt> {
    const { receipts } = await store.exchange({ pod, settlements: [one] });
    expect(receipts).toHaveLength(1);
    return receipts[0]!;
  }

  /** A pending step that has crashed the given number of pods. */
  async crashed(crashes: number, over: Partial<NewStep> = {}): Promise<NewStep> {
    const claimer = await this.join();
    const type = over.type ?? 'work';
    const step = await this.submit({ ...over, type });
    for (let i = 0; i < crashes; i++) {
      const claims = await this.claim(claimer, { free: 100, quarantine: 1, types: { [type]: 100 } });
      const settlements = claims.map((claim) => pendingAgain(claim, { crash: claim.stepId === step.stepId ? 1 : 0 }));
      expect(await this.store.settle(claimer, settlements)).toEqual(settlements.map(() => 'settled'));
    }
    expect((await this.step(step)).crashes).toBe(crashes);
    return step;
  }

  async step({ stepId }: { readonly stepId: string }): Promise<StepRecord> {
    await this.seen();
    const [found] = await this.store.find([stepId]);
    expect(found, `step ${stepId}`).toBeDefined();
    return found!;
  }

  /** `pod` as the fleet sees it; `undefined`: it is not in the fleet. */
  async view(pod: PodRef): Promise<PodView | undefined> {
    await this.seen();
    return (await this.store.fleet()).find((view) => view.pod.incarnation === pod.incarnation);
  }
}

/** A claim without what changes with time. */
export function unchanging({ dueForMs: _, ...claim }: FreshClaim): Claim {
  return claim;
}

/** A claim request for up to ten steps of type `work`: no prefetch, no quarantine. */
export function claimRequest({ types = { work: 100 }, ...over }: ClaimRequestOver = {}): ClaimRequest {
  const limits = types instanceof Map ? types : new Map(Object.entries(types));
  return { token: fresh('token'), free: 10, prefetch: 0, quarantine: 0, ...over, types: limits };
}
