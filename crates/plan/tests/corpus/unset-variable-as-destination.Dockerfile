# A function's image: where files go is a variable of the base image, which nobody knows from the file
FROM public.ecr.aws/lambda/python:3.13
COPY requirements.txt ${TASK_ROOT}
RUN pip install -r requirements.txt --target "${TASK_ROOT}"
COPY app.py ${TASK_ROOT}/
WORKDIR ${TASK_ROOT}/x
CMD [ "app.handler" ]
