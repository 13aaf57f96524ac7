// The documentation site. script/site/build puts the pages together and runs this. A link that leads
// nowhere fails the build.
import { readdirSync, readFileSync } from 'node:fs'

const pages = new URL('../pages/', import.meta.url)

// An item of the sidebar has the title of its page.
function item(name) {
  const title = readFileSync(new URL(name + '.md', pages), 'utf8').match(/^# (.*)/m)[1]
  return { text: title.replaceAll('`', ''), link: '/' + name }
}

const groups = {
  Begin: ['index', 'install', 'tasks/README', 'glossary'],
  Tasks: ['limit', 'isolate', 'time-out', 'kill-a-tree', 'drop-privileges', 'join-a-container', 'explain-a-failure'].map((p) => 'tasks/' + p),
  'Come from': ['moving', 'tasks/from-bwrap', 'tasks/from-setpriv', 'tasks/from-systemd-run'],
  Guides: ['box', 'untrusted', 'ci', 'judge', 'supervisor', 'machines'],
  Reference: ['flags', 'go', 'attributes'],
  Project: ['ARCHITECTURE', 'CONTRIBUTING', 'CHANGELOG', 'SECURITY'],
}

// What no group names is reference.
const named = new Set(Object.values(groups).flat())
const all = readdirSync(pages).filter((f) => f.endsWith('.md')).map((f) => f.slice(0, -3))
groups.Reference.push(...all.filter((name) => !named.has(name)).sort())

export default {
  title: 'sprog',
  description: 'Start Linux processes exactly as asked.',
  srcDir: 'pages',
  outDir: '../../dist/site',
  base: process.env.SITE_BASE || '/',
  lastUpdated: false,
  markdown: {
    theme: { light: 'github-light', dark: 'github-dark' },
    config(md) {
      // What stands in code is no template, whatever its braces.
      const code = md.renderer.rules.code_inline
      md.renderer.rules.code_inline = (...args) => code(...args).replace('<code', '<code v-pre')
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: Object.entries(groups).map(([text, names]) => ({
      text,
      items: names.filter((name) => all.includes(name) || name.includes('/')).map(item),
    })),
    socialLinks: [{ icon: 'github', link: 'https://github.com/sprog-dev/sprog' }],
  },
}
