"""The page's section on the models: a card for each baseline hazard, effect shape and adjustment that the analysis used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import inference.adjustments as adjustments
import models.baselines as baselines
import models.effects as effects
from inference.adjustments import ADJUSTMENTS
from inference.report.adjustment_words import WITHOUT_SCORE, score_from_elsewhere
from inference.report.content import ReportSection, card_id
from inference.report.figures.model_graphs import drawable, model_graphs_figure
from inference.report.figures.wording import capitalised, words
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.table import SENTENCE, TEXT, Column, Table, heading
from models.assembly import parameter_names
from models.cards import Card, read_card
from models.priors import Parameter
from models.specification import outcome_spec
from models.units import in_time_unit

FOLDERS = {
    family: Path(str(package.__file__)).parent
    for family, package in (("baseline", baselines), ("adjustment", adjustments), ("effect", effects))
}
KINDS = {"baseline": "baseline hazard", "adjustment": "adjustment", "effect": "effect of treatment"}


@dataclass(frozen=True)
class Member:
    """A member of a family that the analysis used, with its card."""

    family: str
    name: str
    card: Card


def members_of(results: Results) -> list[Member]:
    """Return the members that the fits of an analysis used and that have a card, family by family, in the order of the fits."""
    return [
        Member(family, name, card)
        for family, folder in FOLDERS.items()
        for name in dict.fromkeys(one.request.named[family] for one in results.summaries)
        if (card := read_card(folder, name)) is not None
    ]


def _parameters(member: Member, results: Results) -> Sequence[Parameter]:
    """Return the parameters with a prior that a member brings into a model."""
    main, cohort = results.main.request, results.cohort
    chosen = {"baseline": main.baseline, "effect": main.effect} | {member.family: member.name}
    kind = ADJUSTMENTS[member.name if member.family == "adjustment" else main.adjustment]
    spec = outcome_spec(results.study, cohort, chosen["baseline"], chosen["effect"], kind.score)
    if member.family != "adjustment":
        return (spec.baseline if member.family == "baseline" else spec.effect).parameters
    if kind.maximises:
        return ()
    estimated = kind.score != "absent" and results.study.propensity.score is None
    treatment = parameter_names(cohort, None) if estimated else {}
    of_others = (*spec.baseline.parameters, *spec.effect.parameters)
    return [one for one in {**parameter_names(cohort, spec), **treatment} if one not in of_others]


def _rows(member: Member, results: Results) -> Iterator[tuple[str, str]]:
    card, used = member.card, results.main.request.priors
    yield "Formula", card.formula
    yield "Graph", "; ".join(one.replace("->", "→") for one in card.graph).replace("_", " ")
    if card.cut:
        yield "Cut", f"nothing flows back along {'; '.join(card.cut).replace('->', '→')}"
    if member.family == "adjustment" and member.name != WITHOUT_SCORE and score_from_elsewhere(results.study):
        yield "In this study", score_from_elsewhere(results.study)
    for parameter in _parameters(member, results):
        prior = in_time_unit(parameter, used.prior(parameter, ""), results.study.time_unit)
        own = "some terms have priors of their own" if parameter.name in used.term_overrides else ""
        said = (parameter.meaning, f"prior {prior}", prior.reason, own)
        yield heading(parameter.name), " ".join(f"{capitalised(one).rstrip('.')}." for one in said if one)
    if member.family == "adjustment" and ADJUSTMENTS[member.name].maximises:
        yield "Priors", "None: a weighted likelihood is maximised."
    yield "Assumes", card.assumes
    yield "Misleads", card.misleads
    if card.reference:
        yield "Reference", card.reference


def card_table(member: Member, results: Results) -> Table:
    """Return a card as a table: formula, graph, priors with their reasons, what it assumes, when it misleads."""
    frame = pd.DataFrame(list(_rows(member, results)), columns=pd.Index(["of", "text"]))
    columns = (
        Column(heading(KINDS[member.family]), TEXT, "of"),
        Column(heading(words(member.name)), SENTENCE, "text"),
    )
    return Table(
        card_id(member.family, member.name),
        f"{heading(words(member.name))}, {KINDS[member.family]}",
        columns,
        frame,
        sortable=False,
    )


def models_section(material: Material) -> Sequence[ReportSection]:
    """Return the section; none where no member has a card."""
    results = material.results
    members = members_of(results)
    if not members:
        return ()
    drawn = {one.name: one.card for one in members if one.family == "adjustment" and drawable(one.card)}
    figures = (
        [
            material.figure(
                "model_graphs",
                "What each adjustment makes of the covariates",
                lambda: model_graphs_figure(drawn),
            )
        ]
        if drawn
        else []
    )
    return (
        ReportSection(
            "models",
            "Model cards",
            (f"Priors are those of prior set “{results.main.request.priors.name}”.",),
            tuple(card_table(one, results) for one in members),
            tuple(figures),
            "What each model of this page is, what it assumes, and when it misleads.",
            "methods",
            opens_with=None,
        ),
    )


SECTION = Section(models_section)
