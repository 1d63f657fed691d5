"""Judges a fleet of images with Spark. Each partition is one ckpt-check that reads names and writes NDJSON.

    check_fleet.py --target v7 --target v7-neon --reports reports/ LIST

LIST has a name a line: paths that every worker sees, or s3:// URLs. The reports stay in a directory as NDJSON; a table
of targets and verdicts is printed. Needs pyspark and Java.
"""

import argparse
import json
import shlex

from pyspark.sql import SparkSession


def verdicts(line, targets):
    """What an image got on each target; one that cannot be judged has a line, too."""
    report = json.loads(line)
    if report["error"] is not None:
        return [(target, "cannot be judged") for target in targets]
    return [(answer["target"], answer["verdict"]) for answer in report["targets"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", help="file with the name of an image on each line")
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--reports", required=True, help="directory for the NDJSON, which must not be there yet")
    parser.add_argument("--ckpt-check", default="ckpt-check", help="the program, as the workers find it")
    parser.add_argument("--master", default="local[*]", help="where Spark runs, for instance local-cluster[2,1,1024]")
    parser.add_argument("--partitions", type=int, default=8, help="processes in all")
    args = parser.parse_args()

    command = [args.ckpt_check, "--format", "ndjson", "--jobs", "1", "--files-from", "-"]
    for target in args.target:
        command += ["--target", target]

    spark = SparkSession.builder.master(args.master).appName("ckpt-check").getOrCreate()
    with open(args.list, encoding="utf-8") as names:
        images = spark.sparkContext.parallelize(names.read().splitlines(), args.partitions)
    # Exit status 1 and 2 tell of refusals and damage, which the lines say, too: it is not checked.
    lines = images.pipe(shlex.join(command)).cache()
    lines.saveAsTextFile(args.reports)
    targets = args.target
    counts = lines.flatMap(lambda line: verdicts(line, targets)).countByValue()

    columns = ["restorable", "conditional", "unknown", "not-restorable", "cannot be judged"]
    print("| target | " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for target in targets:
        print(f"| {target} | " + " | ".join(str(counts.get((target, column), 0)) for column in columns) + " |")
    spark.stop()


if __name__ == "__main__":
    main()
