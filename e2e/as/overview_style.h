/*
 * The style of the page at `/`: light and dark, down to a telephone's width
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OVERVIEW_STYLE_H
#define OVERVIEW_STYLE_H

#define OVERVIEW_STYLE                                                                           \
    ":root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;"    \
    "--rule:#d0d7de;--good:#116329;--bad:#b3131d;--warn:#7a4d00;--plot:#0550ae}"                 \
    "@media(prefers-color-scheme:dark){:root{--back:#0d1117;--card:#161b22;--text:#e6edf3;"      \
    "--soft:#9da7b3;--rule:#30363d;--good:#56d364;--bad:#ff8a80;--warn:#e3b341;--plot:#79c0ff}}" \
    "*{box-sizing:border-box}"                                                                   \
    "body{margin:0;padding:1rem;background:var(--back);color:var(--text);"                       \
    "font:1rem/1.5 system-ui,sans-serif}"                                                        \
    "header,main,footer{max-width:72rem;margin:0 auto}"                                          \
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0 0 .5rem}"                         \
    "section{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;"           \
    "padding:1rem;margin:1rem 0}"                                                                \
    "p{margin:.25rem 0}a{color:var(--plot)}"                                                     \
    "table{border-collapse:collapse;width:100%}"                                                 \
    "th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;"                     \
    "border-top:1px solid var(--rule);overflow-wrap:anywhere}"                                   \
    "thead th{border-top:0;color:var(--soft);font-weight:600;overflow-wrap:normal}"              \
    "tbody th{font-weight:600;overflow-wrap:normal}"                                             \
    ".number{text-align:right;font-variant-numeric:tabular-nums}"                                \
    ".good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.soft{color:var(--"   \
    "soft)}"                                                                                     \
    ".state{font-weight:600;white-space:nowrap}"                                                 \
    ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}"    \
    "figure{margin:0}figcaption{display:flex;justify-content:space-between;gap:.5rem}"           \
    "svg{display:block;width:100%;height:3.5rem;border-bottom:1px solid var(--soft)}"            \
    "svg path{fill:var(--plot)}"                                                                 \
    "ol{list-style:none;margin:0;padding:0;font:.85rem/1.5 ui-monospace,monospace}"              \
    "li{border-top:1px solid var(--rule);padding:.25rem 0;overflow-wrap:anywhere}"               \
    "li:first-child{border-top:0}"                                                               \
    ":focus-visible{outline:3px solid var(--plot);outline-offset:2px}"                           \
    "@media(max-width:30rem){body{padding:.5rem}section{padding:.75rem}"                         \
    ".wide thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"   \
    ".wide tr{display:block;border-top:1px solid var(--rule);padding:.4rem 0}"                   \
    ".wide th,.wide td{display:block;border:0;padding:0}.wide td:empty{display:none}}"

#endif
