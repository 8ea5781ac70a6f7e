"""How near a document lies to everything that is asked.

In a space of many dimensions some documents are near to most queries and are found again and again, while others never are. What a
document has of that nearness is known without the query, so it can be taken off: found are then those that are nearer to this query
than to queries in general.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TEMPERATURE = np.float32(0.04)  # of cosines: how much nearer a query must be to count for more


@dataclass(frozen=True, slots=True)
class Crowd:
    """Queries of one modality as they ask for another one, thinned to centres.

    `centres` are [n, known], the blocks that both modalities have; `log_shares` [n] hold how many queries stand for each, and shift
    the mean over documents to zero.
    """

    centres: NDArray[np.float32]
    log_shares: NDArray[np.float32]

    def commonness(self, content: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n], in units of cosine, from the content of documents [n, content]."""
        nearness = content[:, : self.centres.shape[1]] @ self.centres.T / _TEMPERATURE + self.log_shares
        highest = nearness.max(axis=1, keepdims=True)
        return np.asarray(_TEMPERATURE * (highest[:, 0] + np.log(np.exp(nearness - highest).sum(axis=1))), np.float32)

    def centred_on(self, content: NDArray[np.float32]) -> Crowd:
        """The same crowd with a mean commonness of zero over these documents."""
        return Crowd(self.centres, self.log_shares - self.commonness(content).mean() / _TEMPERATURE)
