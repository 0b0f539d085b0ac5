// A link to a note of a long discussion, kept from before it named the page: asks for the page that has the note.
"use strict";

const named = /^#note-([1-9][0-9]{0,17})$/.exec(location.hash);
const isAsked = new URLSearchParams(location.search).has("note");
if (named && !isAsked && !document.getElementById(location.hash.slice(1))) {
  location.replace(`?note=${named[1]}${location.hash}`);
}
