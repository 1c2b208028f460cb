// Side door of features for Node: the cache on the disk.

export { openCache, type CacheOptions, type CacheWarning } from './cache.js';
export { cacheKey, defaultCacheFolder, viewOf, type CacheKeyParts } from './cache-key.js';
export { rowStore, type RowStore } from './row-store.js';
