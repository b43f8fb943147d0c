// The page's first line: words, then the desk.

import { addWords } from "../web/i18n.js";
import { Desk } from "./desk.js";
import { KEY_WORDS } from "./key_words.js";
import { WORDS } from "./words.js";

addWords({ ...WORDS, ...KEY_WORDS });
new Desk().start();
