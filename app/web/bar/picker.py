"""The instruction picker: a popover that narrows at each key and stays open when one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.web import kind_words
from app.web.bar import picker_words
from app.web.bar.picker_groups import Group, chosen_for, fitting, grouped, label, matching, named
from app.web.query import asking
from app.web.safe_text import as_markdown
from uniir.documents import Modality
from uniir.wire import InstructionAnswer

_ALL = "pick_all"


def current(instructions: Sequence[InstructionAnswer]) -> tuple[InstructionAnswer | None, bool]:
    """The instruction in force, and whether it was chosen for the person; none while nothing is given and none was picked."""
    ask = asking.ask()
    picked = named(instructions, ask.instruction)
    return (picked, False) if picked is not None else (chosen_for(instructions, ask.modality, ask.kind), True)


@st.fragment
def picker(instructions: Sequence[InstructionAnswer]) -> None:
    """The popover; what it holds is drawn once it is open, since a page with a hundred buttons more is a slower page."""
    if st.session_state.pop("picked", False):
        st.rerun()  # the rest of the page follows
    in_force, for_them = current(instructions)
    title = as_markdown(label(in_force)) if in_force is not None else picker_words.ANY_INSTRUCTION
    if for_them and asking.ask().is_likeness:
        title = picker_words.ANY_LIKE  # no instruction says so; the plain one that steers it speaks of a picture and words
    with st.popover(title, icon=":material/target:", key="pick_popover", on_change="rerun") as popover:
        if popover.open:
            _body(instructions)


def _body(instructions: Sequence[InstructionAnswer]) -> None:
    given = asking.ask().modality
    in_force, _ = current(instructions)
    fit = fitting(instructions, given)
    everything = bool(st.session_state.get(_ALL)) or not fit
    with st.container(key="picker"):
        typed = st.text_input(
            "Search instructions",
            key=asking.INSTRUCTION_SEARCH,
            type="search",
            live=True,
            icon=":material/search:",
            placeholder=picker_words.search_instructions(len(instructions)),
            label_visibility="collapsed",
        )
        if given is not None and len(fit) < len(instructions):
            with st.container(horizontal=True, vertical_alignment="center", key="narrowed"):
                if not everything:
                    st.badge(f"{picker_words.FITTING[given]}: {len(fit)}", icon=":material/filter_alt:", color="primary")
                st.space("stretch")
                text = picker_words.SHOW_FITTING if everything else picker_words.show_all(len(instructions))
                st.button(text, key="show_all", type="tertiary", on_click=_toggle_all)
        found = matching(instructions if everything else fit, typed or "")
        left, right = st.columns([1.6, 1], gap="small")
        with left, st.container(key="groups"):
            if not found:
                st.html(f'<p class="u-muted">{escape(picker_words.NO_INSTRUCTION.format(count=len(instructions)))}</p>')
            for group in grouped(found):
                _group(group, in_force)
        with right, st.container(key="explained"):
            _explained(in_force, given)


def _group(group: Group, in_force: InstructionAnswer | None) -> None:
    icon, given, getting = kind_words.ICONS[group.getting], kind_words.GIVEN[group.given], kind_words.GETTING[group.getting]
    st.html(f'<p class="u-group"><span class="material" aria-hidden="true">{icon}</span><span>{given} → <b>{getting}</b></span></p>')
    for one in group.instructions:
        chosen = in_force is not None and one.id == in_force.id
        with st.container(key=f"do_{'chosen' if chosen else 'other'}_{one.id}"):
            st.button(
                as_markdown(label(one)),
                key=f"instruction_{one.id}",
                type="tertiary",
                width="stretch",
                icon=":material/check:" if chosen else None,
                icon_position="right",
                on_click=_pick,
                args=(one,),
            )


def _pick(instruction: InstructionAnswer) -> None:
    kind = asking.ask().kind
    fits = kind is None or instruction.target in {None, kind}
    asking.change(instruction=instruction.id, kind=kind if fits else None)
    st.session_state["picked"] = True


def _toggle_all() -> None:
    st.session_state[_ALL] = not st.session_state.get(_ALL, False)


def _explained(instruction: InstructionAnswer | None, given: Modality | None) -> None:
    if instruction is None:
        st.html(
            f'<div class="u-explained"><h3>{picker_words.ANY_INSTRUCTION}</h3><dl class="u-pairs"><dt>{picker_words.YOU_GIVE}</dt>'
            f"<dd>{picker_words.EXPLAINED_ANY}</dd><dt>{picker_words.YOU_GET}</dt><dd>{picker_words.EXPLAINED_GETTING[None]}</dd></dl></div>"
        )
        return
    rerank = picker_words.RERANK_HELPS if instruction.rerank else picker_words.RERANK_DOES_NOT
    made_for = f"<dt>{picker_words.MADE_FOR}</dt><dd>{escape(instruction.dataset)}</dd>" if instruction.dataset else ""
    st.html(
        f'<div class="u-explained"><h3>{escape(label(instruction))}</h3><dl class="u-pairs">'
        f"<dt>{picker_words.YOU_GIVE}</dt><dd>{picker_words.EXPLAINED_GIVEN[instruction.query]}</dd>"
        f"<dt>{picker_words.YOU_GET}</dt><dd>{picker_words.EXPLAINED_GETTING[instruction.target]}</dd>"
        f"<dt>{picker_words.MODEL_READS}</dt><dd><code>{escape(instruction.text)}</code></dd>{made_for}</dl>"
        f'<p><span class="material" aria-hidden="true">swap_vert</span>{rerank}</p></div>'
    )
