export * from "./module";
export { changedProperties, hasUnknown } from "./differences";
export { serve } from "./server";
