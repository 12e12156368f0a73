"""A finished job in a folder, as the manifest command leaves it."""

from core.scan.settings import ScanSettings
from core.sharded_scan.job import run_job
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.job_report import job_report
from core.sharded_scan.manifest import read_manifest
from core.sharded_scan.outputs import summary_of, write_outputs
from core.sharded_scan.thread_executor import ThreadExecutor


def finished_job(manifest, out):
    """Scans a manifest in threads; returns what was found."""
    folder, settings = JobFolder(str(out)), ScanSettings()
    job = run_job(read_manifest(str(manifest)), folder, ThreadExecutor())
    report = job_report(job, settings, str(manifest), [], "today")
    summary = summary_of(job, settings, str(manifest))
    write_outputs(job, settings, folder, summary, report)
    return job
