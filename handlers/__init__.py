"""What people say, one file per audience."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.context import KaopingApplication


def register(application: "KaopingApplication") -> None:
    """Adds every handler. The first that fits takes an update, so the order is from the particular to the general."""
    # The command line puts results into words with this package, and has no use for the library behind the chat.
    from handlers import (
        admins,
        appeals,
        approvals,
        claims,
        departments,
        groups,
        proposals,
        raters,
        rating_files,
        rating_taps,
        registration,
        typed_scores,
        uploads,
    )

    registration.register(application)
    groups.register(application)
    appeals.register(application)
    claims.register(application)
    uploads.register(application)
    rating_files.register(application)
    departments.register(application)
    proposals.register(application)
    approvals.register(application)
    raters.register(application)
    rating_taps.register(application)
    typed_scores.register(application)
    admins.register(application)
    departments.register_rest(application)
