/** Sources whose branches no simulation takes, by their beginnings, with the reason. They count all the same. */
export const REASONS: Readonly<Record<string, string>> = {
  'src/store/sqlite/file/': 'files, their system, and what other processes write to them: a simulation has none',
};
