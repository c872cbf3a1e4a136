// Check walk: stand at marked places while the bundle says where it thinks you are.

import { button, choice, count, fill, h, metres, s } from "./dom.js";
import { subHead } from "./parts.js";
import { drawFloor, drawPin } from "./scene.js";

export function openCheck(app) {
  return { draw: () => {} };
}
