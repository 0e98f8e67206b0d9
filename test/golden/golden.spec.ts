import { goldenSuite } from '../../libs/testing/src/golden/index.js';
import { compile, shown } from './scenario.js';

goldenSuite({
  title: 'what a whole proxy gets',
  directory: import.meta.dirname,
  layout: 'folders',
  produce: (input) => shown(compile(input)),
});
