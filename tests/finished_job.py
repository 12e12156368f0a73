"""A finished job in a folder, as the manifest command leaves it."""

from core.sharded_scan.job import run_job
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.job_report import job_report
from core.sharded_scan.manifest import read_manifest
from core.sharded_scan.outputs import summary_of, write_outputs
from core.sharded_scan.thread_executor import ThreadExecutor


def finished_job(manifest, out):
    """Scans a manifest in threads; returns what was found."""
    folder = JobFolder(str(out))
    job = run_job(read_manifest(str(manifest)), folder, ThreadExecutor())
    report = job_report(job, str(manifest), [], "today")
    summary = summary_of(job, str(manifest))
    write_outputs(job, folder, summary, report)
    return job
