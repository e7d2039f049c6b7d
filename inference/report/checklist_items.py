"""The items of three reporting guidelines, in few words of our own: where each stands on the page, and what it needs.

Bayesian analysis reporting guidelines (BARG, Kruschke 2021, doi 10.1038/s41562-021-01177-7); STROBE for cohort studies (von Elm
2007, doi 10.1016/S0140-6736(07)61602-X); TARGET for emulated target trials (Cashin 2025, doi 10.1001/jama.2025.13350), whose items
are named by their subject.
"""

from dataclasses import dataclass

BARG, STROBE, TARGET = "BARG", "STROBE", "TARGET"
GUIDELINES = {
    BARG: "Bayesian analysis reporting guidelines (Kruschke 2021, doi 10.1038/s41562-021-01177-7)",
    STROBE: "STROBE, cohort studies (von Elm 2007, doi 10.1016/S0140-6736(07)61602-X)",
    TARGET: "TARGET, observational studies that emulate a trial (Cashin 2025, doi 10.1001/jama.2025.13350)",
}


@dataclass(frozen=True)
class Item:
    """An item of a guideline."""

    # the code is that of the guideline, or the subject where it has none that is used here
    guideline: str
    code: str
    words: str  # what is to be reported, in few words
    places: tuple[str, ...]  # anchors of sections, the first that the page has is its place
    # facts of the analysis that must hold for the item to be done; empty: it never is
    done: tuple[str, ...] = ()
    # facts that must hold for it to be done in part; empty: it is done or it is not
    part: tuple[str, ...] = ()
    lacking: str = ""  # what is missing where it is not done, or done in part


ALWAYS = ("results",)
PROTOCOL = "no protocol was written before the data were seen"
OF_THE_PUBLICATION = (
    "the page repeats what the study file says; for more, see the publication or the owner of the data"
)

ITEMS: tuple[Item, ...] = (
    Item(BARG, "Preamble A", "why a Bayesian analysis", (), lacking="the page does not argue for it"),
    Item(BARG, "Preamble B", "goal of the analysis", ("answer",), ("question",), ALWAYS, "the study file asks no question"),
    Item(BARG, "1A", "data variables", ("reading", "limits"), ("covariates",), ALWAYS, "no covariate was recorded"),
    Item(BARG, "1B", "likelihood and parameters", ("priors",), part=("priors",), lacking="parameters are listed with their meaning; the likelihood is named, and written out in the source only"),
    Item(BARG, "1C", "priors, each with its reason", ("priors",), ("reasons",), ("priors",), "some priors have no reason"),
    Item(BARG, "1D", "formal specification of the model", ("priors", "reproduce"), part=("priors", "commit"), lacking="the priors are formal, the rest is code at the commit"),
    Item(BARG, "1E", "prior predictive check", ("priors",), ("prior_predictive",), lacking="no figure of it was made"),
    Item(BARG, "2A", "software", ("reproduce",), ("versions",), lacking="the manifest has no versions"),
    Item(BARG, "2B", "convergence of the chains", ("checks", "diagnostics"), ("convergence",), lacking="no convergence check was made"),
    Item(BARG, "2C", "effective sample size", ("checks", "effects"), ("effective_sizes",), lacking="no effective sample size was computed"),
    Item(BARG, "2D", "computation other than MCMC", ("adjustments", "timing", "effects"), ("approximations_said",), lacking="weighted adjustments are maximised, and no section says so"),
    Item(BARG, "3A", "posterior predictive check", ("checks",), ("predictive",), lacking="none was made of the main model"),
    Item(BARG, "3B", "summary of the posterior", ("effects",), ALWAYS),
    Item(BARG, "3C", "Bayes factors and model probabilities", ("checks",), part=("baselines_compared",), lacking="none are used; baselines are compared by leave-one-out scores where there are two"),
    Item(BARG, "4", "decisions and their criteria", (), lacking="no decision is made: probabilities of benefit are printed, and no threshold is applied"),
    Item(BARG, "5A-C", "sensitivity to priors", ("sensitivity",), ("prior_sets",), lacking="one prior set only"),
    Item(BARG, "5D-E", "sensitivity of Bayes factors and decisions", (), lacking="there are none"),
    Item(BARG, "6A", "software and installation", ("reproduce",), ("versions", "commit"), ("versions",), "the commit is not known"),
    Item(BARG, "6B", "script and command", ("reproduce",), ("command", "clean"), ("command",), "the source held changes that are in no commit"),
    Item(BARG, "6C", "readable documentation", ("reading",), part=ALWAYS, lacking="the page explains its terms; the rest is in the project's documents"),
    Item(BARG, "6D", "seed", ("reproduce",), ("seed",), lacking="the manifest has no seed"),
    Item(BARG, "6E", "data", ("reproduce",), part=("inputs",), lacking="checksums of the inputs only; rows of the cohort are not on the page"),
    Item(BARG, "6F", "saved draws", ("reproduce",), ("fits",), lacking="the manifest names no fits"),
    Item(STROBE, "1", "design in the title, and a summary", ("answer",), ALWAYS),
    Item(STROBE, "2", "background and reasons", (), lacking=OF_THE_PUBLICATION),
    Item(STROBE, "3", "objectives and hypotheses", ("answer",), part=("question",), lacking="no hypothesis was stated beforehand"),
    Item(STROBE, "4", "study design", ("limits", "answer"), ALWAYS),
    Item(STROBE, "5", "setting, places and dates", (), lacking=OF_THE_PUBLICATION),
    Item(STROBE, "6", "eligibility, selection, follow-up", ("patients",), part=("arms",), lacking="numbers and follow-up by arm; eligibility is not in the study file"),
    Item(STROBE, "7", "outcome, exposure, confounders, modifiers", ("reading", "limits"), ("outcome", "covariates"), ALWAYS, "the outcome is not named in the study file, or no covariate was recorded"),
    Item(STROBE, "8", "sources and measurement", ("reproduce",), part=("citation",), lacking="a citation at most"),
    Item(STROBE, "9", "sources of bias", ("timing", "exposures", "confounding", "limits"), ("confounding", "times_addressed"), ALWAYS, "named in the limits, not examined in all of: confounding, timing"),
    Item(STROBE, "10", "study size", ("patients",), part=("arms",), lacking="the number is given, not how it was arrived at"),
    Item(STROBE, "11", "quantitative variables and groups", ("priors",), part=("covariates",), lacking="terms and levels are those of the study file, without reasons"),
    Item(STROBE, "12a", "statistical methods against confounding", ("adjustments", "reading"), ("adjustments",), ALWAYS, "two adjustments only"),
    Item(STROBE, "12b", "subgroups and interactions", ("effect-shapes",), ("effect_shapes",), lacking="no effect by subgroup or over time was fitted"),
    Item(STROBE, "12c", "missing data", ("missing",), ("missing",), lacking="no cell was imputed: rows that lack one are refused or, where the study file says so, left out; how many were left out before is not known here"),
    Item(STROBE, "12d", "loss to follow-up", ("patients",), part=("arms",), lacking="censoring is taken as independent of the outcome given the covariates; nothing tests it"),
    Item(STROBE, "12e", "sensitivity analyses", ("sensitivity",), ("prior_sets", "adjustments", "full"), ("prior_sets",), "some of these analyses were not made"),
    Item(STROBE, "13", "numbers at each stage", ("patients",), part=("arms",), lacking="those analysed; not those who were screened or left out"),
    Item(STROBE, "14", "characteristics by arm, follow-up", ("patients",), ("described", "arms"), ("arms",), "no covariate was recorded"),
    Item(STROBE, "15", "numbers of events", ("patients",), ("arms",), lacking="no events by arm"),
    Item(STROBE, "16", "estimates, unadjusted and adjusted, absolute risks", ("comparators", "effects"), ("unadjusted",), ALWAYS, "no unadjusted estimate"),
    Item(STROBE, "17", "other analyses", ("effect-shapes", "confounding", "sensitivity"), ("effect_shapes", "confounding"), ("prior_sets",), "some of these analyses were not made"),
    Item(STROBE, "18", "key results", ("answer",), ALWAYS),
    Item(STROBE, "19", "limitations, with direction and size of bias", ("limits",), ("confounding", "times_addressed"), ALWAYS, "named, their size not examined in all of: confounding, timing"),
    Item(STROBE, "20", "cautious interpretation", ("answer",), ALWAYS),
    Item(STROBE, "21", "generalisability", ("effects",), part=("populations",), lacking="averages over several populations; nothing on others"),
    Item(STROBE, "22", "funding", (), lacking="not recorded"),
    Item(TARGET, "Abstract", "identified as observational, with methods and findings", ("answer",), part=ALWAYS, lacking="not presented as the emulation of a trial"),
    Item(TARGET, "Background", "why the question is asked of these data", (), lacking=OF_THE_PUBLICATION),
    Item(TARGET, "Causal question", "the question and why a trial is emulated", ("answer",), part=("question",), lacking="the question only"),
    Item(TARGET, "Data sources", "where data come from, and their quality", ("audit", "reproduce"), ("audit", "citation"), ("citation",), "a citation at most"),
    Item(TARGET, "Protocol", "specification of the target trial", (), lacking=PROTOCOL),
    Item(TARGET, "Eligibility", "who would enter, and how it was mapped to the data", (), lacking="not in the study file"),
    Item(TARGET, "Strategies", "treatment strategies compared", ("answer",), part=ALWAYS, lacking="treated or never; nothing on dose or duration"),
    Item(TARGET, "Assignment", "how it would be assigned, and the confounders for it", ("limits", "adjustments"), part=("covariates",), lacking="not randomised, adjusted for the covariates; nothing on who decided"),
    Item(TARGET, "Time zero", "eligibility, assignment and follow-up at one time", ("exposures", "timing", "limits"), ("start_times",), ("times_addressed",), "time zero and the start of treatment differ, and starts are not known"),
    Item(TARGET, "Follow-up", "start and end of follow-up", ("patients",), part=("arms",), lacking="its median; reasons for its end are not recorded"),
    Item(TARGET, "Outcomes", "outcome and its measurement", ("reading",), part=("outcome",), lacking="named, not how it was measured"),
    Item(TARGET, "Contrasts", "causal contrasts and effect measures", ("effects", "reading"), ALWAYS),
    Item(TARGET, "Assumptions", "identifying assumptions", ("limits",), part=ALWAYS, lacking="no unmeasured confounding, overlap and timing are named; consistency is not discussed"),
    Item(TARGET, "Analysis plan", "analysis for each contrast", ("reading", "priors"), part=ALWAYS, lacking=PROTOCOL),
    Item(TARGET, "Selection", "flow of participants", (), lacking="not recorded"),
    Item(TARGET, "Baseline data", "characteristics by strategy", ("patients",), ("described",), lacking="no covariate was recorded"),
    Item(TARGET, "Missing data", "how much, and what was done", ("missing",), ("missing",), lacking="no cell was imputed: rows that lack one are refused or, where the study file says so, left out; how many were left out before is not known here"),
    Item(TARGET, "Estimates", "effects with intervals, absolute and relative", ("effects",), ALWAYS),
    Item(TARGET, "Sensitivity", "how assumptions move the result", ("confounding", "timing", "sensitivity"), ("confounding", "times_addressed", "prior_sets"), ("prior_sets",), "not examined in all of: confounding, timing, priors"),
    Item(TARGET, "Interpretation", "findings and limits, against the trial", ("limits", "answer"), part=ALWAYS, lacking="limits are named; no trial is set beside them"),
    Item(TARGET, "Ethics, registration, funding", "approvals, registration, funding, interests", (), lacking="not recorded"),
    Item(TARGET, "Access", "data and code", ("reproduce",), part=("commit", "inputs"), lacking="code at a commit; data by checksum only"),
)  # fmt: skip
