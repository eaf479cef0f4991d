import fc from "fast-check";

/**
 * Replays one property as its failure printed it: PROPERTY_SEED is its `seed`, PROPERTY_PATH its `path`, without which all of its
 * runs follow. Mocha loads this file before the specs.
 */
const { PROPERTY_SEED, PROPERTY_PATH } = process.env;

if (PROPERTY_SEED !== undefined) {
    fc.configureGlobal({
        seed: Number(PROPERTY_SEED),
        ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
    });
}
