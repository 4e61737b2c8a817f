{{/* Names, labels, images: what several objects have alike. Each takes a dict of `top` and what it is about. */}}

{{- define "dsr.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "dsr.part" -}}
{{- printf "%s-%s" (include "dsr.fullname" .top) .part -}}
{{- end -}}

{{/* Labels that never change, for selectors. */}}
{{- define "dsr.selector" -}}
app.kubernetes.io/name: {{ default .top.Chart.Name .top.Values.nameOverride }}
app.kubernetes.io/instance: {{ .top.Release.Name }}
{{- with .part }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "dsr.labels" -}}
{{ include "dsr.selector" . }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
app.kubernetes.io/part-of: dsr
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "dsr.meta" -}}
name: {{ include "dsr.part" . }}
namespace: {{ .top.Release.Namespace }}
labels:
  {{- include "dsr.labels" . | nindent 2 }}
{{- end -}}

{{/* `image` is the part's own; the registry and the tag are everybody's. */}}
{{- define "dsr.image" -}}
{{- $shared := .top.Values.image -}}
{{- with $shared.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .top.Chart.AppVersion $shared.tag }}{{ end -}}
{{- end -}}

{{- define "dsr.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "dsr.account" -}}
{{- default (include "dsr.part" .) (index .top.Values .part).serviceAccount.name -}}
{{- end -}}

{{/* What Kubernetes' restricted standard asks for, and no write to the image's files. */}}
{{- define "dsr.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "dsr.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A setting's value, as an environment variable has it: text as it is, all else as JSON. */}}
{{- define "dsr.value" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* Variables from Secrets. A setting that ends in _file is a file; the variable says where it is. */}}
{{- define "dsr.secretEnv" -}}
{{- range $setting, $at := .secrets }}
{{- if $at }}
- name: DSR_{{ upper $setting }}
  {{- if hasSuffix "_file" $setting }}
  value: /etc/dsr/secrets/{{ $setting }}
  {{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ $at.name }}
      key: {{ $at.key }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The files of Secrets, as sources of one projected volume; they change with their Secret. */}}
{{- define "dsr.fileSources" -}}
{{- range $setting, $at := .secrets }}
{{- if and $at (hasSuffix "_file" $setting) }}
- secret:
    name: {{ $at.name }}
    items:
      - key: {{ $at.key }}
        path: secrets/{{ $setting }}
{{- end }}
{{- end }}
{{- range $name, $at := .files }}
- secret:
    name: {{ $at.name }}
    items:
      - key: {{ $at.key }}
        path: files/{{ $name }}
{{- end }}
{{- end -}}

{{- define "dsr.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with include "dsr.fileSources" . | trim }}
- name: files
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "dsr.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "dsr.fileSources" . | trim }}
- name: files
  mountPath: /etc/dsr
  readOnly: true
{{- end }}
{{- end -}}

{{/* Whether something scales a service, and what: `keda`, `hpa`, or nothing. */}}
{{- define "dsr.scaler" -}}
{{- $service := index .top.Values .part -}}
{{- if $service.autoscaling.enabled -}}
{{- if and .top.Values.keda.enabled (ne .part "intake") }}keda{{ else }}hpa{{ end -}}
{{- end -}}
{{- end -}}

{{/* The least number of pods that are to run. */}}
{{- define "dsr.leastPods" -}}
{{- $service := index .top.Values .part -}}
{{- if $service.autoscaling.enabled }}{{ $service.autoscaling.minReplicas }}{{ else }}{{ $service.replicas }}{{ end -}}
{{- end -}}

{{- define "dsr.url" -}}
http://{{ include "dsr.part" . }}:8080
{{- end -}}
