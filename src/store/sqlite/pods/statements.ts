/** The SQL texts of the pods' step types. */

/** Under a new number each time; not of an incarnation that is final. Binds: types, incarnation. */
export const PUT_TYPES = `
INSERT OR REPLACE INTO POD_TYPES (incarnation, types)
SELECT p.incarnation, ? FROM POD_HEALTH p WHERE p.incarnation = ? AND p.final IS NULL`;
/** Of an incarnation that has become final. Binds: incarnation, twice. */
export const DROP_TYPES = `
DELETE FROM POD_TYPES WHERE incarnation = ? AND NOT EXISTS (SELECT 1 FROM POD_HEALTH p WHERE p.incarnation = ? AND p.final IS NULL)`;
export const TYPES_AT = 'SELECT types FROM POD_TYPES WHERE seq = ?';

/** A pod of version 1 that evicts one, or a hand that deletes one, leaves its step types behind. */
export const PRUNE_TYPES = `
DELETE FROM POD_TYPES
WHERE NOT EXISTS (SELECT 1 FROM POD_HEALTH p WHERE p.incarnation = POD_TYPES.incarnation AND p.final IS NULL)`;
