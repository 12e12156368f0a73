from hypothesis import settings

# Time limits belong in benchmarks: on a busy machine they fail good code.
# derandomize: the same examples each time, so that a red run can be repeated
settings.register_profile("winnow", deadline=None, derandomize=True)
settings.load_profile("winnow")
