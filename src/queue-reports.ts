/** Makes the reports of `stats()`, `leader()` and `pods()`, from the store and from what the pod of this process knows. */
import { electLeader } from './fleet/elector.js';
import type { OpenClient } from './open-client.js';
import type { Pod } from './pod.js';
import { podReports, type PodReport } from './pod-report.js';
import { checkFields, milliseconds, type FieldChecks } from './input/field-checks.js';
import { leaderReport, queueStats, type FleetSnapshot } from './stats.js';
import type { Counted, LeaderReport, QueueStats, StatsOptions } from './stats.js';
import { StatsCache } from './stats-cache.js';
import type { Store } from './store/contract.js';

export interface QueueReportsDependencies {
  /** Opens the store if it is not open. @throws StoppedError */
  readonly open: (method: string) => Promise<OpenClient>;
  /** The pod of this process, if it has one. */
  readonly pod: () => Pod | undefined;
}

const STATS_FIELDS: FieldChecks = { maxAgeMs: milliseconds };

export class QueueReports {
  readonly #deps: QueueReportsDependencies;
  #statsCache: StatsCache | undefined;

  constructor(deps: QueueReportsDependencies) {
    this.#deps = deps;
  }

  async stats(options: StatsOptions): Promise<QueueStats> {
    checkFields(options, STATS_FIELDS, 'OPTION_INVALID', 'options');
    const { maxAgeMs = 0 } = options;
    const client = await this.#deps.open('stats');
    this.#statsCache ??= new StatsCache(client.settings.runtime);
    const counts = await this.#statsCache.read(maxAgeMs, () => this.#count(client));
    const pacing = this.#deps.pod() === undefined ? undefined : client.store.pacing;
    return pacing === undefined ? counts : { ...counts, store: pacing };
  }

  async #count({ queries, store, settings }: OpenClient): Promise<Counted> {
    const [counts, fleet] = await queries.read('stats', () => Promise.all([store.stats(), this.#fleet(store)]));
    return queueStats(settings.runtime, counts, fleet, this.#deps.pod()?.pool.load.strays ?? 0);
  }

  async leader(): Promise<LeaderReport> {
    const { queries, store } = await this.#deps.open('leader');
    return leaderReport(await queries.read('leader', () => this.#fleet(store)));
  }

  async pods(): Promise<readonly PodReport[]> {
    const { queries, store, settings } = await this.#deps.open('pods');
    return podReports(settings.runtime, await queries.read('pods', () => this.#fleet(store)));
  }

  /** The fleet as this pod knows it; if it is not in the fleet (any more), as the store shows it. */
  async #fleet(store: Store): Promise<FleetSnapshot> {
    const fleet = this.#deps.pod()?.fleet;
    if (fleet !== undefined && fleet.elector.pods.length > 0) {
      const { pods, leader } = fleet.elector;
      return { pods, leader, seenMsAgo: fleet.fence.silentForMs };
    }
    const pods = await store.fleet();
    return { pods, leader: electLeader(pods), seenMsAgo: 0 };
  }
}
