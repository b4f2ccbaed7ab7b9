"""`tekil replay completejourney`: a year of a real grocer's tills through all five services, and the report of it."""

from collections.abc import Callable

from services.mesh import Mesh
from services.replay.replay import Options, Progress, Replay
from services.report.report import Report, report


async def replay(mesh: Mesh, options: Options, progress: Callable[[Progress], None]) -> Report:
    """Play the data set to a running mesh, wait until it has settled, and report.

    Raises DatasetMissing, NotHeeded and NotSettled.
    """
    played = await Replay(mesh, options, progress).run()
    return await report(played, mesh.databases)
