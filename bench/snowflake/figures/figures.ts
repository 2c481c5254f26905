/** The figures, their bounds, and which run measures which. */

export const FIGURES = [
  'statementsPer1000OnePod',
  'statementsPer1000TenPods',
  'statementsPerExchangeDirect',
  'statementsPerExchangeLogged',
  'fortyPodsCapacity',
  'fortyPodsRefused',
  'fortyPodsWaitersMax',
  'fortyPodsSettleP99S',
  'loneStepLocks',
  'loneStepPolls',
  'idleWarehouseShare',
  'idleStatementsPerHour',
  'creditsPerMillionSteps',
] as const;

export type Figure = (typeof FIGURES)[number];
/** `null`: not measured, because the scheme has nothing of the kind or the part was left out. */
export type Figures = Record<Figure, number | null>;

export interface Bound {
  readonly least?: number;
  readonly most?: number;
}

/** What FLEET-Q must reach. */
export const BOUNDS: Readonly<Partial<Record<Figure, Bound>>> = {
  statementsPer1000TenPods: { most: 40 },
  statementsPerExchangeDirect: { least: 2, most: 2 },
  statementsPerExchangeLogged: { most: 4 },
  fortyPodsCapacity: { least: 0.95 },
  fortyPodsRefused: { most: 0 },
  fortyPodsWaitersMax: { most: 3 },
  fortyPodsSettleP99S: { most: 10 },
  loneStepLocks: { most: 3 },
  loneStepPolls: { most: 2 },
  idleWarehouseShare: { most: 0.01 },
  idleStatementsPerHour: { most: 60 },
};

export function emptyFigures(): Figures {
  return Object.fromEntries(FIGURES.map((figure) => [figure, null])) as Figures;
}

export function isWithin(value: number, { least = -Infinity, most = Infinity }: Bound): boolean {
  return value >= least && value <= most;
}
