"""A program for the tests of external programs: right but for one fault.

Usage: faulty_program.py MODE [FILE]. Faults at the start and in problems go by MODE, those in grading by the answer;
FILE counts the starts of the process, a letter each.
"""
import json
import os
import random
import subprocess
import sys
import time

mode = sys.argv[1]
starts = 0
if len(sys.argv) > 2:
    with open(sys.argv[2], "a+") as file:
        file.write("x")
        file.flush()
        starts = file.tell()
out = sys.stdout
kept = random.Random(1)


def write(text):
    out.write(text + "\n")
    out.flush()


def hello():
    value = {"protocol": "reckon.task/1", "levels": [1, 3]}
    if mode == "exits":
        sys.exit("it is not my day")
    elif mode == "silent":
        time.sleep(1000)
    elif mode == "banner":
        write("Welcome!")
    elif mode == "endless":
        out.write("x" * 1000000)
    elif mode == "other_protocol":
        value["protocol"] = "reckon.task/9"
    elif mode == "hello" and len(sys.argv) > 3:
        value = json.loads(sys.argv[3])
    elif mode == "starts_once" and starts > 2:
        sys.exit(f"start {starts} is one too many")
    elif mode == "changes" and starts > 2:
        value["levels"] = [1]
    write(json.dumps(value))


def problem(request):
    if mode == "stateful":
        number = kept.randrange(10**6)
    elif mode == "hash":
        number = hash("abc")
    elif mode == "one_problem":
        number = 7
    else:
        names = ("level", "split", "seed", "index", "draw")
        number = random.Random("/".join(str(request[name]) for name in names)).randrange(10**6)
    if mode == "seven_is_hard" and request["index"] == 7:
        os._exit(4)
    value = {"prompt": f"{number}", "spec": {"gold": f"{number}"}, "answer": f"{number}", "wrong_answer": "none"}
    if mode == "bad_problem":
        change = json.loads(sys.argv[3])
        value.update(change)
        value = {key: item for key, item in value.items() if item is not None}
    return value


def grade(request):
    answer = request["answer"]
    if answer == "crash":
        os._exit(3)
    elif answer == "abort":
        os.abort()
    elif answer == "crash once" and starts <= 2:
        os._exit(3)
    elif answer == "hang":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)  # " + sys.argv[2]])
        time.sleep(1000)
    elif answer == "garbage":
        write("nan")
    elif answer == "overflow":
        write('{"id": %d, "reward": 1e999}' % request["id"])
        return None
    elif answer == "long":
        out.write("x" * 3000000)
        time.sleep(1000)
    elif answer == "half":
        out.write('{"id": ')
        out.flush()
        os._exit(0)
    elif answer == "memory":
        return {"reward": float(len(bytearray(1 << 30)) > 0)}
    elif answer == "close":
        os.close(1)
        time.sleep(1000)
    elif answer == "flood":
        for i in range(100000):
            print("flood", i, file=sys.stderr)
    elif answer == "wrong id":
        write(json.dumps({"id": request["id"] + 1, "reward": 1}))
        time.sleep(1000)
    elif answer == "two lines":
        write(json.dumps({"id": request["id"], "reward": 0}))
        time.sleep(0.2)
        write(json.dumps({"id": request["id"] + 1, "reward": 1}))
        return None
    elif answer.startswith("{"):
        return json.loads(answer)
    elif answer == "completion":
        return {"reward": 0.5 if request["completion"] == "so <answer>completion</answer>" else 0}
    if mode == "pays_all":
        return {"reward": 1}
    if mode == "pays_nothing":
        return {"reward": 0.25}
    if mode == "moody":
        return {"reward": 1 if answer == request["spec"]["gold"] else starts / 100}
    return {"grade": "equal" if answer == request["spec"]["gold"] else "different"}


hello()
for line in sys.stdin:
    request = json.loads(line)
    reply = problem(request) if request["op"] == "problem" else grade(request)
    if reply is not None:
        write(json.dumps({"id": request["id"], **reply}))
